// The records that the tools exchange, as plain data. Every string_view is non-owning: it lives as
// long as the bytes that it was decoded from (see decoder.h). Formats: see paystats(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "money/decimal.h"
#include "record/user_name.h"

namespace paystats::record {

inline constexpr size_t kUserBytesMax = 1024;
inline constexpr size_t kLineBytesMax = 1 << 20;           // of a record, without its newline
inline constexpr size_t kRejectRecordBytesMax = 64 << 10;  // of a bad record that are shown
inline constexpr int kNestingMax = 64;

// What is to be added to a user's total: {"user":"edgar","paymentAmt":1.0}, or all the payments of
// a batch, {"user":"edgar","paymentAmt":1.0,"volume":7}.
struct Payment {
  UserName user;  // decoded: UTF-8, 1 to kUserBytesMax bytes
  money::Decimal sum;
  uint64_t count = 1;  // at least 1
};

// {"user":"edgar","paymentAmt":1.0,"volume":7}: seven such payments.
struct Batch {
  std::string_view user;
  std::string_view amount_text;  // the number as it was written, quotes aside
  money::Decimal amount;
  uint64_t volume = 1;  // at least 1
};

// What one client asked for at once: it counts as a whole, or not at all. Not empty.
struct Request {
  std::span<const Batch> batches;
  std::string_view idempotency_key = {};  // printable ASCII; empty: it has none
};

// A place in a Kafka topic.
struct SourceOffset {
  int32_t partition = 0;
  int64_t offset = 0;

  friend bool operator==(const SourceOffset&, const SourceOffset&) = default;
};

// {"user":"edgar","sum":7.00,"count":7}, with "partition" and "offset" where it is the partial of
// one source partition.
struct Stats {
  std::string_view user;
  money::Decimal sum;
  uint64_t count = 0;
  std::optional<SourceOffset> at;
};

// {"source":"payments.jsonl","line":17,"error":"…","record":"…"}
struct Reject {
  std::string_view source;  // "-" for stdin
  uint64_t line = 0;        // from 1; not used where `at` is set
  std::optional<SourceOffset> at;
  std::string_view error;
  std::string_view record;    // its bytes, or at least the first kRejectRecordBytesMax
  uint64_t record_bytes = 0;  // of the whole record
};

// The order of every list: sum descending, then user by bytes.
inline bool ranks_before(money::Decimal sum_a, std::string_view user_a, money::Decimal sum_b,
                         std::string_view user_b) {
  return sum_a != sum_b ? sum_a > sum_b : user_a < user_b;
}

}  // namespace paystats::record
