#include "protocol/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/numbers.h"
#include "base/terminal_text.h"
#include "base/utf8.h"
#include "record/encoder.h"

namespace paystats::protocol {
namespace {

using Json = nlohmann::json;

constexpr const char* kNoAnswer = "not an answer of paystats-cache";

bool read_instance(std::string_view text, uint64_t& out) {
  constexpr size_t kHexDigits = 16;
  return text.size() == kHexDigits && base::read_number(text, out, 16);
}

// The count of all may pass 64 bits, where this library makes it a double: then it is taken from
// the text. That of the envelope is the first, behind nothing but numbers.
bool read_long_count(std::string_view line, std::string& out) {
  constexpr std::string_view kName = R"("count":)";
  const size_t name = line.find(kName);
  if (name == line.npos) return false;
  const size_t begin = name + kName.size();
  const size_t end = std::min(line.find_first_not_of("0123456789", begin), line.size());
  out = line.substr(begin, end - begin);
  return !out.empty() && end < line.size() && line[end] == ',';
}

// The fields of an answer and of its rows, as bits.
enum Field : unsigned {
  kInstance = 1U << 0U,
  kVersion = 1U << 1U,
  kReady = 1U << 2U,
  kOffset = 1U << 3U,
  kUsers = 1U << 4U,
  kSum = 1U << 5U,
  kCount = 1U << 6U,
  kStats = 1U << 7U,
  kMatches = 1U << 8U,
  kError = 1U << 9U,
  kRank = 1U << 10U,
  kUser = 1U << 11U,
  kOther = 0,
};
constexpr unsigned kAnswerFields =
    kInstance | kVersion | kReady | kOffset | kUsers | kSum | kCount | kStats;
constexpr unsigned kRowFields = kRank | kUser | kSum | kCount;

constexpr std::pair<std::string_view, Field> kAnswerNames[] = {
    {"instance", kInstance}, {"version", kVersion}, {"ready", kReady}, {"offset", kOffset},
    {"users", kUsers},       {"sum", kSum},         {"count", kCount}, {"stats", kStats},
    {"matches", kMatches},   {"error", kError}};
constexpr std::pair<std::string_view, Field> kRowNames[] = {
    {"rank", kRank}, {"user", kUser}, {"sum", kSum}, {"count", kCount}};

template <size_t N>
Field field_of(const std::pair<std::string_view, Field> (&names)[N], std::string_view name) {
  for (const auto& [known, field] : names)
    if (known == name) return field;
  return kOther;
}

// Reads an answer as the parser comes across its parts; of a name that occurs twice, the last value
// counts. Values inside of fields that are not ours are checked for being JSON and passed over.
class AnswerReader {
 public:
  // Without `rows` they are checked and counted only.
  AnswerReader(std::string_view line, Envelope& envelope, std::vector<ParsedAnswer::Row>* rows)
      : line_(line), envelope_(envelope), rows_(rows) {}

  base::Result<void> read() {
    const bool is_object = Json::sax_parse(line_.begin(), line_.end(), this);
    if (is_object && (good_ & kError) != 0) return base::fail(std::move(error_));
    if (!is_object || (good_ & kAnswerFields) != kAnswerFields || !rows_good_)
      return base::fail(kNoAnswer);
    if ((good_ & kMatches) == 0) envelope_.matches.reset();
    if (long_count_ && !read_long_count(line_, envelope_.count)) return base::fail(kNoAnswer);
    return {};
  }
  size_t row_count() const { return row_count_; }

  // What the parser calls: false ends it.
  bool null() { return value(false); }
  bool boolean(bool given) {
    const bool is_ready = in(Place::kAnswer) && field_ == kReady;
    if (is_ready) envelope_.ready = given;
    return value(is_ready);
  }
  bool number_integer(Json::number_integer_t) { return value(false); }  // a negative one
  bool number_unsigned(Json::number_unsigned_t given) {
    if (in(Place::kAnswer)) return value(set_number(given));
    if (!in(Place::kRow) || (field_ != kRank && field_ != kCount)) return value(false);
    (field_ == kRank ? row_.rank : row_.count) = given;
    return value(true);
  }
  bool number_float(Json::number_float_t, const std::string&) {
    const bool is_count = in(Place::kAnswer) && field_ == kCount;
    if (is_count) long_count_ = true;
    return value(is_count);
  }
  bool string(std::string& given) {
    if (in(Place::kAnswer)) return value(set_text(given));
    if (in(Place::kRow) && field_ == kUser) {
      if (rows_ != nullptr) row_.user = given;
      return value(true);
    }
    if (in(Place::kRow) && field_ == kSum)
      return value(money::parse_sum(given, row_.sum) == money::AmountFlaw::kNone);
    return value(false);
  }
  bool binary(Json::binary_t&) { return false; }  // JSON has none
  bool start_object(size_t) {
    if (in(Place::kOutside)) {
      place_ = Place::kAnswer;
    } else if (in(Place::kRows)) {
      place_ = Place::kRow;
      row_good_ = 0;
    } else {
      return begin_other();
    }
    return true;
  }
  bool start_array(size_t) {
    if (!in(Place::kAnswer) || field_ != kStats) return begin_other();
    value(true);
    place_ = Place::kRows;
    rows_good_ = true;
    row_count_ = 0;
    if (rows_ != nullptr) rows_->clear();
    return true;
  }
  bool key(const std::string& name) {
    if (in(Place::kAnswer)) field_ = field_of(kAnswerNames, name);
    if (in(Place::kRow)) field_ = field_of(kRowNames, name);
    return true;
  }
  bool end_object() {
    if (others_ > 0) {
      --others_;
    } else if (place_ == Place::kRow) {
      end_row();
    }
    return true;
  }
  bool end_array() {
    if (others_ > 0) {
      --others_;
    } else {
      place_ = Place::kAnswer;
    }
    return true;
  }
  bool parse_error(size_t, const std::string&, const Json::exception&) { return false; }

 private:
  enum class Place : uint8_t { kOutside, kAnswer, kRows, kRow };

  bool in(Place place) const { return others_ == 0 && place_ == place; }

  // Notes whether the value that was read is one that its place may have.
  bool value(bool good) {
    if (others_ > 0) return true;
    if (place_ == Place::kOutside) return false;
    if (place_ == Place::kRows) rows_good_ = false;
    unsigned& fields = place_ == Place::kRow ? row_good_ : good_;
    if (place_ != Place::kRows) fields = good ? fields | field_ : fields & ~field_;
    return true;
  }

  // An object or an array where none is expected.
  bool begin_other() {
    const bool goes_on = value(false);
    ++others_;
    return goes_on;
  }

  bool set_number(uint64_t given) {
    switch (field_) {
      case kVersion:
        envelope_.version = given;
        return true;
      case kOffset:
        envelope_.offset = given;
        return true;
      case kUsers:
        envelope_.users = given;
        return true;
      case kMatches:
        envelope_.matches = given;
        return true;
      case kCount:
        envelope_.count = std::to_string(given);
        long_count_ = false;
        return true;
      default:
        return false;
    }
  }

  bool set_text(const std::string& given) {
    switch (field_) {
      case kInstance:
        return read_instance(given, envelope_.instance);
      case kSum:
        envelope_.sum = given;
        return true;
      case kError:
        error_ = given;
        return true;
      default:
        return false;
    }
  }

  void end_row() {
    place_ = Place::kRows;
    if ((row_good_ & kRowFields) != kRowFields) rows_good_ = false;
    ++row_count_;
    if (rows_ != nullptr) rows_->push_back(std::move(row_));
  }

  const std::string_view line_;
  Envelope& envelope_;
  std::vector<ParsedAnswer::Row>* const rows_;
  Place place_ = Place::kOutside;
  size_t others_ = 0;  // objects and arrays around us that are not part of an answer
  Field field_ = kOther;
  unsigned good_ = 0;  // the fields whose last value is as it must be
  unsigned row_good_ = 0;
  bool rows_good_ = true;
  bool long_count_ = false;
  size_t row_count_ = 0;
  ParsedAnswer::Row row_;
  std::string error_;
};

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
  ParsedAnswer answer;
  const base::Result<void> read = AnswerReader(line, answer.envelope, &answer.rows).read();
  if (!read) return base::fail(read.error());
  return answer;
}

base::Result<AnswerHead> parse_answer_head(std::string_view line) {
  AnswerHead head;
  AnswerReader reader(line, head.envelope, nullptr);
  if (base::Result<void> read = reader.read(); !read) return base::fail(read.error());
  head.rows = reader.row_count();
  return head;
}

}  // namespace paystats::protocol
