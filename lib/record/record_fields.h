// What fields each record has, and how a record is made of them. Either path fills one token a
// field, having checked the JSON around them; build() judges the tokens, so the rules stand in one
// place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "record/field_values.h"

namespace paystats::record {

// Nothing for a field that no record has.
using FieldName = std::optional<std::string>;

inline FieldName volume_name(const FieldNames& fields) {
  return fields.volume.empty() ? FieldName() : fields.volume;
}

template <class Record>
struct RecordFields;

template <>
struct RecordFields<Payment> {
  static constexpr size_t kCount = 3;
  static constexpr std::array<Flaw, kCount> kDuplicate = {
      Flaw::kUserDuplicate, Flaw::kAmountDuplicate, Flaw::kVolumeDuplicate};
  static std::array<FieldName, kCount> names(const FieldNames& fields) {
    return {fields.user, fields.amount, volume_name(fields)};
  }
  static Flaw build(const std::array<JsonToken, kCount>& tokens, TextArena& arena, Payment& out) {
    std::string_view text;
    Flaw flaw = read_user(tokens[0], arena, text);
    if (flaw != Flaw::kNone) return flaw;
    out.user = text;
    flaw = read_amount(tokens[1], arena, text, out.sum);
    if (flaw != Flaw::kNone) return flaw;
    flaw = read_volume(tokens[2], arena, out.count);
    if (flaw != Flaw::kNone) return flaw;
    return sum_up(out) ? Flaw::kNone : Flaw::kBatchOverflow;
  }
};

template <>
struct RecordFields<Batch> {
  static constexpr size_t kCount = 3;
  static constexpr std::array<Flaw, kCount> kDuplicate = RecordFields<Payment>::kDuplicate;
  static std::array<FieldName, kCount> names(const FieldNames& fields) {
    return RecordFields<Payment>::names(fields);
  }
  static Flaw build(const std::array<JsonToken, kCount>& tokens, TextArena& arena, Batch& out) {
    Flaw flaw = read_user(tokens[0], arena, out.user);
    if (flaw != Flaw::kNone) return flaw;
    flaw = read_amount(tokens[1], arena, out.amount_text, out.amount);
    if (flaw != Flaw::kNone) return flaw;
    flaw = read_volume(tokens[2], arena, out.volume);
    if (flaw != Flaw::kNone) return flaw;
    // Nobody could count it.
    money::Decimal sum;
    return sum.add_times(out.amount, out.volume) ? Flaw::kNone : Flaw::kBatchOverflow;
  }
};

// The fields of stats are always called the same, and none of its numbers may be a string.
template <>
struct RecordFields<Stats> {
  static constexpr size_t kCount = 5;
  static constexpr std::array<Flaw, kCount> kDuplicate = {
      Flaw::kUserDuplicate, Flaw::kSumDuplicate, Flaw::kCountDuplicate, Flaw::kPartitionDuplicate,
      Flaw::kOffsetDuplicate};
  static std::array<FieldName, kCount> names(const FieldNames&) {
    return {std::string("user"), "sum", "count", "partition", "offset"};
  }
  static Flaw build(const std::array<JsonToken, kCount>& tokens, TextArena& arena, Stats& out) {
    Flaw flaw = read_user(tokens[0], arena, out.user);
    if (flaw != Flaw::kNone) return flaw;
    flaw = read_sum(tokens[1], out.sum);
    if (flaw != Flaw::kNone) return flaw;
    if (tokens[2].kind == JsonToken::Kind::kMissing) return Flaw::kCountMissing;
    constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
    if (!read_integer(tokens[2], kMax, out.count)) return Flaw::kCountNotAnInteger;
    return read_place(tokens[3], tokens[4], out.at);
  }

 private:
  static bool read_integer(const JsonToken& token, uint64_t max, uint64_t& out) {
    return token.kind == JsonToken::Kind::kNumber && read_digits(token.text, max, out);
  }
  static Flaw read_sum(const JsonToken& token, money::Decimal& sum) {
    if (token.kind == JsonToken::Kind::kMissing) return Flaw::kSumMissing;
    if (token.kind != JsonToken::Kind::kNumber) return Flaw::kSumNotANumber;
    switch (money::parse_sum(token.text, sum)) {
      case money::AmountFlaw::kNone:
        return Flaw::kNone;
      case money::AmountFlaw::kTooLarge:
        return Flaw::kSumTooLarge;
      case money::AmountFlaw::kTooFine:
        return Flaw::kSumTooFine;
      case money::AmountFlaw::kNotANumber:
        break;
    }
    return Flaw::kSumNotANumber;
  }
  static Flaw read_place(const JsonToken& partition, const JsonToken& offset,
                         std::optional<SourceOffset>& at) {
    at.reset();
    const bool has_partition = partition.kind != JsonToken::Kind::kMissing;
    const bool has_offset = offset.kind != JsonToken::Kind::kMissing;
    if (!has_partition && !has_offset) return Flaw::kNone;
    uint64_t number = 0;
    SourceOffset place;
    if (has_partition) {
      if (!read_integer(partition, std::numeric_limits<int32_t>::max(), number)) {
        return Flaw::kPartitionNotAnInteger;
      }
      place.partition = static_cast<int32_t>(number);
    }
    if (has_offset) {
      if (!read_integer(offset, std::numeric_limits<int64_t>::max(), number)) {
        return Flaw::kOffsetNotAnInteger;
      }
      place.offset = static_cast<int64_t>(number);
    }
    if (!has_partition || !has_offset) return Flaw::kPartitionWithoutOffset;
    at = place;
    return Flaw::kNone;
  }
};

}  // namespace paystats::record
