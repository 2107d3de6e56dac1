// Decodes one text in every way that there is (fast and general, alone, between other lines, as the
// last line without its newline) and demands that all of them agree.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "record/decoder.h"

namespace paystats::record {

inline void PrintTo(money::Decimal value, std::ostream* out) {
  *out << money::to_string(value);
}
inline void PrintTo(Flaw flaw, std::ostream* out) {
  *out << "\"" << describe(flaw, {}) << "\"";
}

// A record with memory of its own.
struct Decoded {
  Flaw flaw = Flaw::kNone;
  std::string user;
  money::Decimal amount;    // or sum
  std::string amount_text;  // of a batch
  uint64_t number = 0;      // volume or count, of a payment as well
  std::optional<SourceOffset> at;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

inline Decoded keep(const Payment& payment) {
  return {Flaw::kNone, std::string(payment.user), payment.sum, "", payment.count, {}};
}
inline Decoded keep(const Batch& batch) {
  return {Flaw::kNone,  std::string(batch.user),
          batch.amount, std::string(batch.amount_text),
          batch.volume, {}};
}
inline Decoded keep(const Stats& stats) {
  return {Flaw::kNone, std::string(stats.user), stats.sum, "", stats.count, stats.at};
}

inline void PrintTo(const Decoded& decoded, std::ostream* out) {
  PrintTo(decoded.flaw, out);
  *out << " user " << decoded.user << " amount " << money::to_string(decoded.amount) << " '"
       << decoded.amount_text << "' number " << decoded.number;
  if (decoded.at) *out << " at " << decoded.at->partition << ":" << decoded.at->offset;
}

template <class Record>
Decoded decode_one_by(DecodePath path, std::string_view text, const FieldNames& names = {}) {
  LineDecoder<Record> decoder(names, path);
  Record record;
  const Flaw flaw = decoder.decode_one(text, record);
  return flaw == Flaw::kNone ? keep(record) : Decoded{flaw, {}, {}, {}, 0, {}};
}

// As line number `line` (from 0) of `block`; nothing where that line is empty.
template <class Record>
std::optional<Decoded> decode_line_by(DecodePath path, const std::string& block, uint32_t line,
                                      const FieldNames& names) {
  LineDecoder<Record> decoder(names, path);
  DecodedLines<Record> lines;
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  for (const auto& row : lines.rows) {
    if (row.line == line) return keep(row.record);
  }
  for (const auto& bad : lines.rejected) {
    if (bad.line == line) return Decoded{bad.flaw, {}, {}, {}, 0, {}};
  }
  return std::nullopt;
}

template <class Record>
Decoded decode(const std::string& text, const FieldNames& names = {}) {
  const Decoded first = decode_one_by<Record>(DecodePath::kFastFirst, text, names);
  EXPECT_EQ(decode_one_by<Record>(DecodePath::kGeneral, text, names), first) << text;
  if (text.find('\n') != std::string::npos) return first;
  for (const DecodePath path : {DecodePath::kFastFirst, DecodePath::kGeneral}) {
    const std::optional<Decoded> ways[] = {
        decode_line_by<Record>(path, text, 0, names),
        decode_line_by<Record>(path, text + "\n", 0, names),
        decode_line_by<Record>(path, "{}\n\n" + text + "\n{\"user\":1}\n", 2, names)};
    for (const std::optional<Decoded>& way : ways) {
      EXPECT_TRUE(way.has_value()) << text;
      EXPECT_EQ(way.value_or(Decoded()), first) << text;
    }
  }
  return first;
}

}  // namespace paystats::record
