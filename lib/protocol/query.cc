#include "protocol/query.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/terminal_text.h"
#include "record/encoder.h"
#include "record/payment.h"

namespace paystats::protocol {
namespace {

using Json = nlohmann::json;

// Takes the tokens of a request as they come, and ends the parse at the first that does not
// belong; so depth, size and duplicates need no further care.
class RequestReader final : public Json::json_sax_t {
 public:
  bool start_object(size_t) override {
    if (in_object_) return wrong_type();
    in_object_ = true;
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return wrong_type(); }
  bool end_array() override { return true; }

  bool key(std::string& name) override {
    for (size_t i = 0; i < kFields.size(); ++i) {
      if (name != kFields[i]) continue;
      field_ = static_cast<Field>(i);
      if (seen(field_)) return refuse(name + ": given twice");
      seen_[i] = true;
      return true;
    }
    constexpr size_t kShown = 64;
    return refuse("unknown field: " + base::printable(std::string_view(name).substr(0, kShown)));
  }

  bool number_unsigned(Json::number_unsigned_t value) override {
    if (!in_object_) return wrong_type();
    switch (field_) {
      case kOffset:
        page_.offset = value;
        return true;
      case kLimit:
      case kWatch:
        if (value < 1 || value > kPageRowsMax) return wrong_type();
        page_.limit = static_cast<uint32_t>(value);
        return true;
      default:
        return wrong_type();
    }
  }
  bool string(std::string& value) override {
    if (!in_object_ || (field_ != kPrefix && field_ != kUser)) return wrong_type();
    if (value.size() > record::kUserBytesMax)
      return refuse(
          fmt::format("{}: longer than {} bytes", kFields[field_], record::kUserBytesMax));
    if (field_ == kUser && value.empty()) return refuse("user: empty");
    (field_ == kUser ? user_ : page_.prefix) = std::move(value);
    return true;
  }
  bool null() override { return wrong_type(); }
  bool boolean(bool) override { return wrong_type(); }
  bool number_integer(Json::number_integer_t) override { return wrong_type(); }
  bool number_float(Json::number_float_t, const std::string&) override { return wrong_type(); }
  bool binary(Json::binary_t&) override { return wrong_type(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("not JSON");
  }

  base::Result<Query> finish() {
    if (!error_.empty()) return base::fail(error_);
    if (seen(kUser)) {
      if (seen(kLimit) || seen(kOffset) || seen(kPrefix) || seen(kWatch))
        return base::fail("user: goes with no other field");
      return Query(UserQuery{std::move(user_)});
    }
    if (seen(kWatch) && seen(kLimit)) return base::fail("watch: is the limit, do not give both");
    page_.watch = seen(kWatch);
    return Query(std::move(page_));
  }

 private:
  enum Field : size_t { kLimit, kOffset, kPrefix, kUser, kWatch };
  static constexpr std::array<const char*, 5> kFields = {"limit", "offset", "q", "user", "watch"};

  bool seen(Field field) const { return seen_[field]; }

  bool refuse(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return false;
  }

  bool wrong_type() {
    if (!in_object_) return refuse("not a JSON object");
    switch (field_) {
      case kLimit:
      case kWatch:
        return refuse(
            fmt::format("{}: not an integer from 1 to {}", kFields[field_], kPageRowsMax));
      case kOffset:
        return refuse("offset: not an integer from 0 to 18446744073709551615");
      default:
        return refuse(fmt::format("{}: not a string", kFields[field_]));
    }
  }

  bool in_object_ = false;
  Field field_ = kLimit;
  std::array<bool, kFields.size()> seen_{};
  PageQuery page_;
  std::string user_;
  std::string error_;
};

}  // namespace

base::Result<Query> parse_query(std::string_view line) {
  if (line.size() > kRequestBytesMax)
    return base::fail(fmt::format("longer than {} bytes", kRequestBytesMax));
  // The parser would skip a byte order mark, and take a NUL for the end of the text.
  if (line.starts_with("\xEF\xBB\xBF") || line.find('\0') != std::string_view::npos)
    return base::fail("not JSON");
  RequestReader reader;
  Json::sax_parse(line.begin(), line.end(), &reader);
  return reader.finish();
}

std::string request_line(const Query& query) {
  std::string out;
  if (const auto* user = std::get_if<UserQuery>(&query)) {
    out = R"({"user":)";
    record::append_json_string(out, user->user);
  } else {
    const auto& page = std::get<PageQuery>(query);
    out = fmt::format(R"({{"{}":{},"offset":{})", page.watch ? "watch" : "limit", page.limit,
                      page.offset);
    if (!page.prefix.empty()) {
      out += R"(,"q":)";
      record::append_json_string(out, page.prefix);
    }
  }
  out += "}\n";
  return out;
}

}  // namespace paystats::protocol
