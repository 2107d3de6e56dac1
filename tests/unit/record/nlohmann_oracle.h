// What nlohmann/json makes of a record: the decoder's first oracle. The library's SAX interface
// hands over every value of the text, with a number's own characters where it is no integer; the
// rules of fields are applied here once more, in as different a way as possible.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/payment.h"
#include "unit/record/decode_support.h"

namespace paystats::record::oracle {

struct Value {
  enum class Kind { kString, kNumber, kOther } kind = Kind::kOther;
  std::string text;
};

// Values of the top-level object by name, each as often as it occurs.
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, std::vector<Value>> fields;
  bool is_object = false;
  bool overflow = false;       // a number beyond a double's range, which the library refuses
  std::string overflow_field;  // of the top-level, else empty

  bool null() override { return add(Value::Kind::kOther, ""); }
  bool boolean(bool) override { return add(Value::Kind::kOther, ""); }
  bool number_integer(int64_t value) override {
    // It says 0 for -0, the only integer whose sign is lost.
    return add(Value::Kind::kNumber, value == 0 ? "-0" : std::to_string(value));
  }
  bool number_unsigned(uint64_t value) override {
    return add(Value::Kind::kNumber, std::to_string(value));
  }
  bool number_float(double, const std::string& text) override {
    return add(Value::Kind::kNumber, text);
  }
  bool string(std::string& text) override { return add(Value::Kind::kString, text); }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override {
    if (depth_ == 0) is_object = true;
    return open();
  }
  bool start_array(size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    if (depth_ == 1) key_ = name;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    overflow = error.id == 406;
    if (overflow && depth_ == 1 && is_object) overflow_field = key_;
    return false;
  }

 private:
  bool add(Value::Kind kind, const std::string& text) {
    if (depth_ == 1 && is_object) fields[key_].push_back({kind, text});
    return true;
  }
  bool open() {
    if (depth_ == 1 && is_object) fields[key_].push_back({Value::Kind::kOther, ""});
    return ++depth_ <= kNestingMax;
  }
  bool close() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  std::string key_;
};

// Exact nanos by moving characters about, at most `digits_max` of them and no more than `most`.
inline std::optional<money::Int128> nanos_of(std::string text, size_t digits_max) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto take_digits = [&](std::string& from) {
    std::string taken;
    while (!from.empty() && is_digit(from[0])) {
      taken += from[0];
      from.erase(0, 1);
    }
    return taken;
  };
  const auto take = [&](std::string& from, std::string_view any) {
    if (from.empty() || any.find(from[0]) == std::string_view::npos) return '\0';
    const char c = from[0];
    from.erase(0, 1);
    return c;
  };
  const bool negative = take(text, "-") != 0;
  std::string digits = take_digits(text);
  if (digits.empty() || (digits[0] == '0' && digits.size() > 1)) return std::nullopt;
  std::string fraction;
  if (take(text, ".")) {
    fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
  }
  long scale = static_cast<long>(fraction.size());  // value = digits * 10^-scale
  digits += fraction;
  if (take(text, "eE")) {
    const char sign = take(text, "+-");
    std::string exponent = take_digits(text);
    if (exponent.empty()) return std::nullopt;
    exponent.erase(0, exponent.find_first_not_of('0'));
    const long by = exponent.empty() ? 0 : exponent.size() > 7 ? 100000000 : std::stol(exponent);
    scale += sign == '-' ? by : -by;
  }
  if (!text.empty()) return std::nullopt;
  digits.erase(0, digits.find_first_not_of('0'));
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    --scale;
  }
  if (digits.empty()) return money::Int128{0};
  if (scale > 9 || static_cast<long>(digits.size()) + 9 - scale > static_cast<long>(digits_max)) {
    return std::nullopt;
  }
  digits.append(static_cast<size_t>(9 - scale), '0');
  const std::string most = negative ? "170141183460469231731687303715884105728"
                                    : "170141183460469231731687303715884105727";
  if (digits.size() > most.size() || (digits.size() == most.size() && digits > most)) {
    return std::nullopt;
  }
  money::Int128 value = 0;
  for (const char c : digits) value = value * 10 - (c - '0');
  return negative ? value : -value;
}

inline std::optional<uint64_t> digits_only(const std::string& text, const std::string& most) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return {};
  if (text.size() > 1 && text[0] == '0') return {};
  if (text.size() > most.size() || (text.size() == most.size() && text > most)) return {};
  return std::stoull(text);
}

inline const std::string kUint64Max = "18446744073709551615";

// The fields of a record, or nothing where a rule refuses them.
class Fields {
 public:
  explicit Fields(const Handler& handler) : fields_(handler.fields) {}

  bool once(const std::string& name) const { return times(name) == 1; }
  bool at_most_once(const std::string& name) const { return times(name) <= 1; }
  bool has(const std::string& name) const { return times(name) > 0; }
  const Value& at(const std::string& name) const { return fields_.at(name)[0]; }
  bool is(const std::string& name, Value::Kind kind) const { return at(name).kind == kind; }

  std::optional<std::string> user() const {
    if (!once("user") || is("user", Value::Kind::kOther)) return std::nullopt;
    const std::string& text = at("user").text;
    if (is("user", Value::Kind::kNumber)) {
      const std::string digits = text.substr(text[0] == '-' ? 1 : 0);
      const bool is_integer = digits.find_first_not_of("0123456789") == std::string::npos;
      if (!is_integer || text == "-0") return std::nullopt;
    }
    if (text.empty() || text.size() > 1024) return std::nullopt;
    return text;
  }
  std::optional<money::Int128> amount() const {
    if (!once("paymentAmt") || is("paymentAmt", Value::Kind::kOther)) return std::nullopt;
    return nanos_of(at("paymentAmt").text, 24);
  }
  std::optional<uint64_t> volume() const {
    if (!has("volume")) return 1;
    if (!once("volume") || is("volume", Value::Kind::kOther)) return std::nullopt;
    const auto value = digits_only(at("volume").text, kUint64Max);
    return value == 0 ? std::nullopt : value;
  }
  std::optional<uint64_t> integer(const std::string& name, const std::string& most) const {
    if (!once(name) || !is(name, Value::Kind::kNumber)) return std::nullopt;
    return digits_only(at(name).text, most);
  }

 private:
  size_t times(const std::string& name) const {
    const auto found = fields_.find(name);
    return found == fields_.end() ? 0 : found->second.size();
  }
  const std::map<std::string, std::vector<Value>>& fields_;
};

template <class Record>
std::optional<Decoded> record_of(const Fields& fields);

template <>
inline std::optional<Decoded> record_of<Batch>(const Fields& fields) {
  const auto user = fields.user();
  const auto amount = fields.amount();
  const auto volume = fields.volume();
  if (!user || !amount || !volume) return std::nullopt;
  money::Int128 sum = 0;  // that nobody could count it is a flaw as well
  if (__builtin_mul_overflow(*amount, money::Int128{*volume}, &sum)) return std::nullopt;
  return Decoded{
      Flaw::kNone, *user, money::Decimal::from_nanos(*amount), fields.at("paymentAmt").text,
      *volume,     {}};
}

template <>
inline std::optional<Decoded> record_of<Payment>(const Fields& fields) {
  std::optional<Decoded> batch = record_of<Batch>(fields);
  if (!batch) return std::nullopt;
  batch->amount = money::Decimal::from_nanos(batch->amount.nanos() * money::Int128{batch->number});
  batch->amount_text.clear();
  return batch;
}

template <>
inline std::optional<Decoded> record_of<Stats>(const Fields& fields) {
  const auto user = fields.user();
  const auto count = fields.integer("count", kUint64Max);
  if (!user || !count || !fields.once("sum") || !fields.is("sum", Value::Kind::kNumber)) return {};
  const auto sum = nanos_of(fields.at("sum").text, 39);
  if (!sum || fields.has("partition") != fields.has("offset")) return std::nullopt;
  Decoded stats{Flaw::kNone, *user, money::Decimal::from_nanos(*sum), "", *count, {}};
  if (fields.has("partition")) {
    const auto partition = fields.integer("partition", "2147483647");
    const auto offset = fields.integer("offset", "9223372036854775807");
    if (!partition || !offset) return std::nullopt;
    stats.at = SourceOffset{static_cast<int32_t>(*partition), static_cast<int64_t>(*offset)};
  }
  return stats;
}

template <class Record>
bool is_read(const std::string& name) {
  if constexpr (std::is_same_v<Record, Stats>) {
    return name == "user" || name == "sum" || name == "count" || name == "partition" ||
           name == "offset";
  }
  return name == "user" || name == "paymentAmt" || name == "volume";
}

struct Verdict {
  bool undecided = false;         // the library refuses a number that nobody reads
  std::optional<Decoded> record;  // nothing: a reject
};

template <class Record>
Verdict judge(const std::string& text) {
  if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string::npos) return {};
  Handler handler;
  if (!nlohmann::json::sax_parse(text, &handler)) {
    return {handler.overflow && !is_read<Record>(handler.overflow_field), std::nullopt};
  }
  if (!handler.is_object) return {};
  return {false, record_of<Record>(Fields(handler))};
}

}  // namespace paystats::record::oracle
