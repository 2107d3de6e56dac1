// What this implementation makes of lines, for an oracle to judge:
//
//   record_verdicts payment|batch|stats [general] <LINES
//
// For each line that is not empty, one with its number (from 0): "17 -" for a reject, else the user
// in hexadecimal, the nanos, and for a batch its text and volume, for stats the count, and the
// partition and offset, or two dashes.
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "record/decoder.h"

namespace paystats::record {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 0xFU];
  }
  return out;
}

std::string nanos(money::Decimal value) {
  // Nine decimals, of which to_string() leaves out zeros at the end; without the point.
  std::string text = money::to_string(value);
  const size_t point = text.find('.');
  text.append(9 - (text.size() - point - 1), '0');
  return text.erase(point, 1);
}

std::string fields(const Payment& payment) {
  return hex(payment.user) + ' ' + nanos(payment.sum);
}
std::string fields(const Batch& batch) {
  return hex(batch.user) + ' ' + nanos(batch.amount) + ' ' + std::string(batch.amount_text) + ' ' +
         std::to_string(batch.volume);
}
std::string fields(const Stats& stats) {
  std::string place = " - -";
  if (stats.at) {
    place = ' ' + std::to_string(stats.at->partition) + ' ' + std::to_string(stats.at->offset);
  }
  return hex(stats.user) + ' ' + nanos(stats.sum) + ' ' + std::to_string(stats.count) + place;
}

template <class Record>
int write_verdicts(std::string_view block, DecodePath path) {
  LineDecoder<Record> decoder(FieldNames{}, path);
  DecodedLines<Record> lines;
  uint64_t first = 0;
  while (!block.empty()) {
    block.remove_prefix(decoder.decode(block, lines));
    std::map<uint64_t, std::string> verdicts;
    for (const auto& row : lines.rows) verdicts[first + row.line] = fields(row.record);
    for (const auto& bad : lines.rejected) verdicts[first + bad.line] = "-";
    for (const auto& [line, verdict] : verdicts) std::cout << line << ' ' << verdict << '\n';
    first += lines.lines;
  }
  std::cout.flush();
  return std::cout ? 0 : 2;
}

}  // namespace
}  // namespace paystats::record

int main(int argc, char** argv) {
  using paystats::record::DecodePath;
  std::ios::sync_with_stdio(false);
  const std::string kind = argc > 1 ? argv[1] : "";
  const DecodePath path =
      argc > 2 && std::string(argv[2]) == "general" ? DecodePath::kGeneral : DecodePath::kFastFirst;
  const std::string block{std::istreambuf_iterator<char>(std::cin), {}};
  if (kind == "payment")
    return paystats::record::write_verdicts<paystats::record::Payment>(block, path);
  if (kind == "batch")
    return paystats::record::write_verdicts<paystats::record::Batch>(block, path);
  if (kind == "stats")
    return paystats::record::write_verdicts<paystats::record::Stats>(block, path);
  std::cerr << "record_verdicts payment|batch|stats [general]\n";
  return 2;
}
