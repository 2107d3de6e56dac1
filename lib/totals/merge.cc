#include "totals/merge.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>

namespace paystats::totals {
namespace {

// The key of a part: the user's number, the source's number, the kind.
std::array<char, 9> part_key(uint32_t user, uint32_t source, uint8_t kind) {
  std::array<char, 9> key{};
  std::memcpy(key.data(), &user, sizeof user);
  std::memcpy(key.data() + sizeof user, &source, sizeof source);
  key[8] = static_cast<char>(kind);
  return key;
}

// total - out + in, or false where that does not fit. What lies between may overflow: it is counted
// how often the result went around, and in which direction.
bool exchange(money::Int128 total, money::Int128 out, money::Int128 in, money::Int128& result) {
  int around = 0;
  money::Int128 rest = 0;
  if (__builtin_sub_overflow(total, out, &rest)) around += out < 0 ? 1 : -1;
  if (__builtin_add_overflow(rest, in, &result)) around += in > 0 ? 1 : -1;
  return around == 0;
}

}  // namespace

MergedTotals::MergedTotals(uint64_t seed, TotalsOptions options, base::Diagnostics& diagnostics)
    : diagnostics_(diagnostics), totals_(seed, options), parts_(seed, {}) {}

base::Result<void> MergedTotals::add(std::span<const Row> rows,
                                     std::vector<Totals::RejectedRow>& rejected) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const base::Result<record::Flaw> flaw = add_one(rows[i].record);
    if (!flaw) return base::fail(flaw.error());
    if (*flaw != record::Flaw::kNone) rejected.push_back({i, *flaw});
  }
  return {};
}

base::Result<record::Flaw> MergedTotals::add_one(const record::Stats& stats) {
  const base::Result<uint32_t> index = totals_.find_or_add(stats.user);
  if (!index) return base::fail(index.error());
  if (*index == users_held_.size()) users_held_.emplace_back();
  const Kind kind = stats.at ? Kind::kByPartition : Kind::kByInput;
  const bool fresh = users_held_[*index].kind != kind;
  if (fresh) change_kind(*index, kind);
  const uint64_t generation = users_held_[*index].generation;

  const uint32_t source = stats.at ? static_cast<uint32_t>(stats.at->partition) : input_;
  const auto key = part_key(*index, source, static_cast<uint8_t>(kind));
  const base::Result<uint32_t> part = parts_.find_or_add(std::string_view(key.data(), key.size()));
  if (!part) return base::fail(part.error());
  if (*part == parts_held_.size()) parts_held_.emplace_back();
  Part& held = parts_held_[*part];
  if (held.generation != generation) parts_.set(*part, money::Decimal(), 0);  // new, or void
  if (stats.at && held.generation == generation && stats.at->offset < held.offset)
    return record::Flaw::kNone;

  money::Int128 sum = 0;
  uint64_t count = totals_.count(*index) - parts_.count(*part);
  if (__builtin_add_overflow(count, stats.count, &count)) return record::Flaw::kCountOverflow;
  if (!exchange(totals_.sum(*index).nanos(), parts_.sum(*part).nanos(), stats.sum.nanos(), sum)) {
    return record::Flaw::kSumOverflow;
  }
  held = {.generation = generation, .offset = stats.at ? stats.at->offset : 0};
  parts_.set(*part, stats.sum, stats.count);
  const bool repeat =
      !fresh && count == totals_.count(*index) && sum == totals_.sum(*index).nanos();
  if (!repeat) totals_.set(*index, money::Decimal::from_nanos(sum), count);
  return record::Flaw::kNone;
}

void MergedTotals::remove(std::string_view user, int32_t partition) {
  const std::optional<uint32_t> index = totals_.find(user);
  if (!index) return;
  const User& known = users_held_[*index];
  const uint32_t source =
      known.kind == Kind::kByPartition ? static_cast<uint32_t>(partition) : input_;
  const auto key = part_key(*index, source, static_cast<uint8_t>(known.kind));
  const std::optional<uint32_t> part = parts_.find(std::string_view(key.data(), key.size()));
  if (!part || parts_held_[*part].generation != known.generation) return;
  money::Int128 sum = 0;
  // What is left may be out of range, as it never was before: then nothing is taken back.
  if (!exchange(totals_.sum(*index).nanos(), parts_.sum(*part).nanos(), 0, sum)) return;
  totals_.set(*index, money::Decimal::from_nanos(sum), totals_.count(*index) - parts_.count(*part));
  parts_held_[*part] = {};
  parts_.set(*part, money::Decimal(), 0);
}

void MergedTotals::change_kind(uint32_t index, Kind kind) {
  User& user = users_held_[index];
  if (user.kind != Kind::kNone && !change_reported_) {
    change_reported_ = true;
    diagnostics_.warning(
        fmt::format("user {}: stats {} partition follow stats {} it and replace them (said once)",
                    totals_.user(index), kind == Kind::kByPartition ? "with" : "without",
                    kind == Kind::kByPartition ? "without" : "with"));
  }
  user.kind = kind;
  ++user.generation;
  totals_.set(index, money::Decimal(), 0);
}

}  // namespace paystats::totals
