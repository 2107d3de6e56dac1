#include "protocol/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/terminal_text.h"
#include "base/utf8.h"
#include "record/encoder.h"

namespace paystats::protocol {
namespace {

using Json = nlohmann::json;

// The field, or null where it is missing.
const Json* field(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

bool read(const Json& object, const char* name, uint64_t& out) {
  const Json* value = field(object, name);
  if (value == nullptr || !value->is_number_unsigned()) return false;
  out = value->get<uint64_t>();
  return true;
}

bool read(const Json& object, const char* name, std::string& out) {
  const Json* value = field(object, name);
  if (value == nullptr || !value->is_string()) return false;
  out = value->get_ref<const std::string&>();
  return true;
}

bool read(const Json& object, const char* name, bool& out) {
  const Json* value = field(object, name);
  if (value == nullptr || !value->is_boolean()) return false;
  out = value->get<bool>();
  return true;
}

bool read_instance(const Json& object, uint64_t& out) {
  constexpr size_t kHexDigits = 16;
  std::string text;
  if (!read(object, "instance", text) || text.size() != kHexDigits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_sum(const Json& object, money::Decimal& out) {
  std::string text;
  return read(object, "sum", text) && money::parse_sum(text, out) == money::AmountFlaw::kNone;
}

// The count of all may pass 64 bits, where this library makes it a double: then it is taken from
// the text. That of the envelope is the first, behind nothing but numbers.
bool read_count(const Json& object, std::string_view line, std::string& out) {
  uint64_t count = 0;
  if (read(object, "count", count)) {
    out = std::to_string(count);
    return true;
  }
  constexpr std::string_view kName = R"("count":)";
  const size_t name = line.find(kName);
  const Json* const value = field(object, "count");
  if (value == nullptr || !value->is_number_float() || name == line.npos) return false;
  const size_t begin = name + kName.size();
  const size_t end = std::min(line.find_first_not_of("0123456789", begin), line.size());
  out = line.substr(begin, end - begin);
  return !out.empty() && end < line.size() && line[end] == ',';
}

bool read_envelope(const Json& object, std::string_view line, Envelope& out) {
  if (!read_instance(object, out.instance) || !read(object, "version", out.version) ||
      !read(object, "ready", out.ready) || !read(object, "offset", out.offset) ||
      !read(object, "users", out.users) || !read(object, "sum", out.sum) ||
      !read_count(object, line, out.count))
    return false;
  uint64_t matches = 0;
  if (read(object, "matches", matches)) out.matches = matches;
  return true;
}

bool read_rows(const Json& object, std::vector<ParsedAnswer::Row>& out) {
  const Json* rows = field(object, "stats");
  if (rows == nullptr || !rows->is_array()) return false;
  for (const Json& element : *rows) {
    ParsedAnswer::Row row;
    if (!read(element, "rank", row.rank) || !read(element, "user", row.user) ||
        !read_sum(element, row.sum) || !read(element, "count", row.count))
      return false;
    out.push_back(std::move(row));
  }
  return true;
}

}  // namespace

std::string render_answer(const Envelope& envelope, const std::vector<RankedStats>& rows) {
  constexpr size_t kRowBytes = 96;  // of an ordinary row
  std::string out;
  out.reserve(256 + rows.size() * kRowBytes);
  fmt::format_to(std::back_inserter(out),
                 R"({{"instance":"{:016x}","version":{},"ready":{},"offset":{},"users":{},)"
                 R"("sum":"{}","count":{})",
                 envelope.instance, envelope.version, envelope.ready, envelope.offset,
                 envelope.users, envelope.sum, envelope.count);
  if (envelope.matches)
    fmt::format_to(std::back_inserter(out), R"(,"matches":{})", *envelope.matches);
  out += R"(,"stats":[)";
  char sum[money::kDecimalCharsMax];
  for (const RankedStats& row : rows) {
    if (&row != &rows.front()) out += ',';
    fmt::format_to(std::back_inserter(out), R"({{"rank":{},"user":)", row.rank);
    record::append_json_string(out, row.user);
    const std::string_view sum_text(sum, money::format_decimal(row.sum, sum));
    fmt::format_to(std::back_inserter(out), R"(,"sum":"{}","count":{}}})", sum_text, row.count);
  }
  out += "]}\n";
  return out;
}

std::string error_answer(std::string_view message) {
  std::string out = R"({"error":)";
  record::append_json_string(
      out, base::is_valid_utf8(message) ? std::string(message) : base::printable(message));
  out += "}\n";
  return out;
}

base::Result<ParsedAnswer> parse_answer(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return base::fail("not an answer of paystats-cache");
  std::string error;
  if (read(json, "error", error)) return base::fail(std::move(error));
  ParsedAnswer answer;
  if (!read_envelope(json, line, answer.envelope) || !read_rows(json, answer.rows))
    return base::fail("not an answer of paystats-cache");
  return answer;
}

}  // namespace paystats::protocol
