// stats_flood USERS RATE SECONDS BURST_MS: lines of stats on stdout. First one for each user, as
// fast as they are taken; then RATE a second for SECONDS, of users by chance whose sums grow, in
// bursts as payagg's triggers make them. Says on stderr when the second part begins, and at the end
// how many lines a second it came to. The second part's lines are made before it begins: who makes
// them at that rate takes the processor from those who are measured.
#include <array>
#include <charconv>
#include <thread>
#include <vector>

#include "sockets.h"

namespace paystats::bench {
namespace {

class Flood {
 public:
  explicit Flood(size_t users) : sums_(users) {}

  void add(size_t user, std::string& out) {
    uint64_t& sum = sums_[user];
    sum += 1 + next() % 1000;
    out += "{\"user\":\"u";
    append(user + 100'000'000, out);
    out += "\",\"sum\":";
    append(sum / 100, out);
    out += '.';
    out += static_cast<char>('0' + sum / 10 % 10);
    out += static_cast<char>('0' + sum % 10);
    out += ",\"count\":";
    append(sum, out);
    out += "}\n";
  }
  size_t any_user() { return next() % sums_.size(); }

 private:
  static void append(uint64_t number, std::string& out) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
    out.append(digits.begin(), end);
  }
  uint64_t next() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return state_ >> 11U;
  }

  std::vector<uint64_t> sums_;
  uint64_t state_ = 88172645463325252ULL;
};

}  // namespace
}  // namespace paystats::bench

int main(int argc, char** argv) {
  using namespace paystats::bench;
  if (argc != 5) {
    std::fputs("usage: stats_flood USERS RATE SECONDS BURST_MS\n", stderr);
    return 2;
  }
  std::array<uint64_t, 4> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::strtoull(argv[i + 1], nullptr, 10);
  const auto [users, rate, seconds, burst_ms] = numbers;
  Flood flood(users);
  std::string out;
  for (size_t user = 0; user < users; ++user) {
    flood.add(user, out);
    if (out.size() < (64U << 10U) && user + 1 < users) continue;
    write_all(STDOUT_FILENO, out);
    out.clear();
  }
  const uint64_t per_burst = rate * burst_ms / 1000;
  std::vector<std::string> bursts(seconds * 1000 / burst_ms);
  for (std::string& burst : bursts) {
    for (uint64_t i = 0; i < per_burst; ++i) flood.add(flood.any_user(), burst);
  }
  std::fputs("flood\n", stderr);
  const auto begin = SteadyClock::now();
  auto due = begin;
  for (const std::string& burst : bursts) {
    write_all(STDOUT_FILENO, burst);
    due += std::chrono::milliseconds(burst_ms);
    std::this_thread::sleep_until(due);
  }
  const auto lines = static_cast<double>(bursts.size() * per_burst);
  const double took = static_cast<double>(microseconds(SteadyClock::now() - begin)) / 1e6;
  std::fprintf(stderr, "%.0f\n", lines / took);
}
