// What fields each record has and what they may hold: the one place for these rules, whatever path
// the bytes took. A path fills one token a field, having checked the JSON around them; build()
// judges the tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "money/decimal.h"
#include "record/decoder.h"
#include "record/json_scanner.h"
#include "record/text_arena.h"

namespace paystats {

// The text of a string or number, escapes decoded into `arena`.
inline std::string_view text_of(const JsonToken& token, TextArena& arena) {
  if (!token.escaped) [[likely]] {
    return token.text;
  }
  char* const space = arena.reserve(token.text.size());
  const size_t size = decode_escapes(token.text, space);
  arena.keep(size);
  return {space, size};
}

// Digits only, without zeros in front, as the grammar has an integer. False where `text` is
// anything else or beyond `most`.
inline bool read_digits(std::string_view text, uint64_t most, uint64_t& out) {
  if (text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0')) return false;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (most - digit) / 10) return false;
    value = value * 10 + digit;
  }
  out = value;
  return true;
}

inline Flaw read_user(const JsonToken& token, TextArena& arena, std::string_view& user) {
  using Kind = JsonToken::Kind;
  if (token.kind == Kind::kMissing) return Flaw::kUserMissing;
  if (token.kind != Kind::kString) return Flaw::kUserNotAString;
  // No escape is longer than six bytes for each byte that it stands for.
  if (token.text.size() > 6 * kUserBytesMax) return Flaw::kUserTooLong;
  user = text_of(token, arena);
  if (user.empty()) return Flaw::kUserEmpty;
  return user.size() > kUserBytesMax ? Flaw::kUserTooLong : Flaw::kNone;
}

// A number, or a string that holds exactly one.
inline Flaw read_amount(const JsonToken& token, TextArena& arena, std::string_view& text,
                        Decimal& amount) {
  using Kind = JsonToken::Kind;
  if (token.kind == Kind::kMissing) return Flaw::kAmountMissing;
  if (token.kind == Kind::kOther) return Flaw::kAmountNotANumber;
  text = text_of(token, arena);
  switch (parse_amount(text, amount)) {
    case AmountFlaw::kNone:
      return Flaw::kNone;
    case AmountFlaw::kTooLarge:
      return Flaw::kAmountTooLarge;
    case AmountFlaw::kTooFine:
      return Flaw::kAmountTooFine;
    case AmountFlaw::kNotANumber:
      break;
  }
  return Flaw::kAmountNotANumber;
}

// A number, or a string that holds exactly one; 1 where it is missing.
inline Flaw read_volume(const JsonToken& token, TextArena& arena, uint64_t& volume) {
  using Kind = JsonToken::Kind;
  volume = 1;
  if (token.kind == Kind::kMissing) return Flaw::kNone;
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const bool is_integer =
      token.kind != Kind::kOther && read_digits(text_of(token, arena), kMost, volume);
  return is_integer && volume > 0 ? Flaw::kNone : Flaw::kVolumeNotAPositiveInteger;
}

template <class Record>
struct RecordFields;

template <>
struct RecordFields<Payment> {
  static constexpr size_t kCount = 3;
  static constexpr std::array<Flaw, kCount> kDuplicate = {
      Flaw::kUserDuplicate, Flaw::kAmountDuplicate, Flaw::kVolumeDuplicate};
  static std::array<std::string, kCount> names(const FieldNames& names) {
    return {names.user, names.amount, "volume"};
  }
  static Flaw build(const std::array<JsonToken, kCount>& tokens, TextArena& arena, Payment& out) {
    Flaw flaw = read_user(tokens[0], arena, out.user);
    if (flaw != Flaw::kNone) return flaw;
    std::string_view text;
    flaw = read_amount(tokens[1], arena, text, out.amount);
    if (flaw != Flaw::kNone) return flaw;
    uint64_t volume = 1;
    flaw = read_volume(tokens[2], arena, volume);
    if (flaw != Flaw::kNone) return flaw;
    return volume == 1 ? Flaw::kNone : Flaw::kIsABatch;
  }
};

template <>
struct RecordFields<Batch> {
  static constexpr size_t kCount = 3;
  static constexpr std::array<Flaw, kCount> kDuplicate = RecordFields<Payment>::kDuplicate;
  static std::array<std::string, kCount> names(const FieldNames& names) {
    return RecordFields<Payment>::names(names);
  }
  static Flaw build(const std::array<JsonToken, kCount>& tokens, TextArena& arena, Batch& out) {
    Flaw flaw = read_user(tokens[0], arena, out.user);
    if (flaw != Flaw::kNone) return flaw;
    flaw = read_amount(tokens[1], arena, out.amount_text, out.amount);
    if (flaw != Flaw::kNone) return flaw;
    return read_volume(tokens[2], arena, out.volume);
  }
};

// The fields of stats are always called the same, and none of its numbers may be a string.
template <>
struct RecordFields<Stats> {
  static constexpr size_t kCount = 5;
  static constexpr std::array<Flaw, kCount> kDuplicate = {
      Flaw::kUserDuplicate, Flaw::kSumDuplicate, Flaw::kCountDuplicate, Flaw::kPartitionDuplicate,
      Flaw::kOffsetDuplicate};
  static std::array<std::string, kCount> names(const FieldNames&) {
    return {"user", "sum", "count", "partition", "offset"};
  }
  static Flaw build(const std::array<JsonToken, kCount>& tokens, TextArena& arena, Stats& out) {
    Flaw flaw = read_user(tokens[0], arena, out.user);
    if (flaw != Flaw::kNone) return flaw;
    flaw = read_sum(tokens[1], out.sum);
    if (flaw != Flaw::kNone) return flaw;
    if (tokens[2].kind == JsonToken::Kind::kMissing) return Flaw::kCountMissing;
    constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
    if (!read_integer(tokens[2], kMost, out.count)) return Flaw::kCountNotAnInteger;
    return read_place(tokens[3], tokens[4], out.at);
  }

 private:
  static bool read_integer(const JsonToken& token, uint64_t most, uint64_t& out) {
    return token.kind == JsonToken::Kind::kNumber && read_digits(token.text, most, out);
  }
  static Flaw read_sum(const JsonToken& token, Decimal& sum) {
    if (token.kind == JsonToken::Kind::kMissing) return Flaw::kSumMissing;
    if (token.kind != JsonToken::Kind::kNumber) return Flaw::kSumNotANumber;
    switch (parse_sum(token.text, sum)) {
      case AmountFlaw::kNone:
        return Flaw::kNone;
      case AmountFlaw::kTooLarge:
        return Flaw::kSumTooLarge;
      case AmountFlaw::kTooFine:
        return Flaw::kSumTooFine;
      case AmountFlaw::kNotANumber:
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

}  // namespace paystats
