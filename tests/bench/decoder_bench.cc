// How fast lines become records, on one core: bytes a second of blocks that fit the cache, as a
// source would hand them over.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "record/decoder.h"

namespace paystats::bench {
namespace {

using money::Decimal;
using record::DecodedLines;
using record::DecodePath;
using record::FieldNames;
using record::LineDecoder;
using record::Payment;
using record::Stats;

constexpr size_t kBlockBytes = 256 << 10;

// A small generator of its own: the same lines on every machine.
class Numbers {
 public:
  uint64_t below(uint64_t bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % bound;
  }

 private:
  uint64_t state_ = 1;
};

template <class MakeLine>
std::string block_of(MakeLine make_line) {
  Numbers numbers;
  std::string block;
  while (block.size() < kBlockBytes) block += make_line(numbers);
  return block;
}

std::string amount(Numbers& numbers) {
  const std::string cents = std::to_string(100 + numbers.below(100));
  return std::to_string(numbers.below(1000)) + "." + cents.substr(1);
}

std::string user(Numbers& numbers) {
  return "user" + std::to_string(numbers.below(50000));
}

std::string common_line(Numbers& numbers) {
  return "{\"user\":\"" + user(numbers) + "\",\"paymentAmt\":" + amount(numbers) + "}\n";
}

std::string batch_line(Numbers& numbers) {
  constexpr std::array<uint64_t, 3> kMost = {10, 100, 1000};
  std::string line = common_line(numbers);
  line.resize(line.size() - 2);
  return line + ",\"volume\":" + std::to_string(1 + numbers.below(kMost[numbers.below(3)])) + "}\n";
}

std::string spaced_line(Numbers& numbers) {
  return "{\"paymentAmt\": \"" + amount(numbers) + "\", \"user\": \"" + user(numbers) + "\"}\n";
}

std::string rich_line(Numbers& numbers) {
  return "{\"id\":" + std::to_string(numbers.below(1000000)) + ",\"user\":\"" + user(numbers) +
         "\",\"paymentAmt\":" + amount(numbers) +
         ",\"currency\":\"EUR\",\"shop\":\"M\xC3\xBCller\"}\n";
}

std::string escaped_line(Numbers& numbers) {
  return "{\"user\":\"\\u00fc" + user(numbers) + "\",\"paymentAmt\":" + amount(numbers) +
         ",\"tags\":[\"a\",{\"b\":1}]}\n";
}

std::string stats_line(Numbers& numbers) {
  return "{\"user\":\"" + user(numbers) + "\",\"sum\":" + std::to_string(numbers.below(1000000)) +
         amount(numbers) + ",\"count\":" + std::to_string(numbers.below(100000)) +
         ",\"partition\":3,\"offset\":" + std::to_string(numbers.below(1000000000)) + "}\n";
}

template <class Record>
void decode(benchmark::State& state, const std::string& block, DecodePath path) {
  LineDecoder<Record> decoder(FieldNames{}, path);
  DecodedLines<Record> lines;
  uint64_t records = 0;
  for (auto _ : state) {
    std::string_view rest = block;
    while (!rest.empty()) {
      rest.remove_prefix(decoder.decode(rest, lines));
      records += lines.rows.size();
      benchmark::DoNotOptimize(lines.rows.data());
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * block.size()));
  state.SetItemsProcessed(static_cast<int64_t>(records));
}

void payments(benchmark::State& state, const std::string& block, DecodePath path) {
  decode<Payment>(state, block, path);
}
void stats(benchmark::State& state, const std::string& block, DecodePath path) {
  decode<Stats>(state, block, path);
}

constexpr auto kFast = DecodePath::kFastFirst;
constexpr auto kGeneral = DecodePath::kGeneral;

BENCHMARK_CAPTURE(payments, common, block_of(common_line), kFast);
BENCHMARK_CAPTURE(payments, batches, block_of(batch_line), kFast);
BENCHMARK_CAPTURE(payments, common_by_the_general_path, block_of(common_line), kGeneral);
BENCHMARK_CAPTURE(payments, spaced_and_reversed, block_of(spaced_line), kFast);
BENCHMARK_CAPTURE(payments, rich, block_of(rich_line), kFast);
BENCHMARK_CAPTURE(payments, escaped_and_nested, block_of(escaped_line), kFast);
BENCHMARK_CAPTURE(stats, partials, block_of(stats_line), kFast);

void parse(benchmark::State& state, std::string_view text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    Decimal amount;
    benchmark::DoNotOptimize(parse_amount(text, amount));
    benchmark::DoNotOptimize(amount);
  }
}

BENCHMARK_CAPTURE(parse, short_amount, "12.50");
BENCHMARK_CAPTURE(parse, longer_amount, "1234567.125");
BENCHMARK_CAPTURE(parse, exponent, "125e-2");

}  // namespace
}  // namespace paystats::bench

BENCHMARK_MAIN();
