// What payagg says of a partition next to the offset that it commits: the table that its payments
// up to there have made, and the last message of them. A later owner of the partition can tell by
// it whether offsets, payments and totals belong together. Pure; the format is in paystats(7).
//
//   std::string metadata = offset_metadata("g.host.1", signature);    // of the committed offset
//   OffsetMetadata found = read_offset_metadata(metadata);
//   if (found.signature) ...                                          // else it is unsigned
//
// Reading is tolerant: fields that it does not know are ignored, and what is of another version,
// damaged or not there is an unsigned offset, never an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/message_source.h"
#include "money/decimal.h"

namespace paystats::kafka {

// Of a table of totals: the users who have a published record, or will have one with this commit,
// and what they have paid together. The count is modulo 2^64, the sum in nanos modulo 2^128.
struct TableDigest {
  uint64_t users = 0;
  uint64_t count = 0;
  money::Decimal sum;

  void add(money::Decimal more, uint64_t times);
  void take_back(money::Decimal less, uint64_t times);

  friend bool operator==(const TableDigest&, const TableDigest&) = default;
};

// A message, so that it can be known again.
struct MessageMark {
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  uint64_t hash = 0;

  friend bool operator==(const MessageMark&, const MessageMark&) = default;
};

// Its hash is XXH3-64 with seed 0 of: the size of the key as four bytes, least significant first;
// the key; a byte 1 and the value, or where there is no value a byte 0. No key is an empty one.
MessageMark mark_of(const io::Message& message);

struct OffsetSignature {
  TableDigest table;
  // The last message read of the partition; it need not stand right before the offset, where the
  // end of a transaction may be. Nothing where none has been read.
  std::optional<MessageMark> last = {};
  std::string cluster = {};   // its id; empty: it has none
  std::string output = {};    // the topic of the totals; empty: of a version before
  uint64_t options = 0;       // a hash of all options that shape totals
  bool transactions = false;  // the end of one has been seen in the partition
  // What stands at the offset is such an end, as far as could be told.
  bool before_marker = false;

  friend bool operator==(const OffsetSignature&, const OffsetSignature&) = default;
};

// Where a partition is to be read from next, as it is committed.
struct SignedOffset {
  int32_t partition = 0;
  int64_t offset = 0;
  std::optional<OffsetSignature> signature = {};
};

// Kafka refuses offsets whose metadata is larger than offset.metadata.max.bytes, 4096 unless
// somebody has changed it, and it would refuse them for ever.
inline constexpr size_t kMetadataBytesMax = 1024;

// Never longer than kMetadataBytesMax. Where not all of it fits the transactional id is left out:
// without it a transaction that a crashed member has left open lasts for its time-out, while
// without the signature nobody could tell what the offset is about. (A cluster's id that is far too
// long is left out before that.)
std::string offset_metadata(std::string_view transactional_id,
                            const std::optional<OffsetSignature>& signature);

struct OffsetMetadata {
  std::string transactional_id;  // of who has committed it; empty: of no transaction
  std::optional<OffsetSignature> signature = {};
};

OffsetMetadata read_offset_metadata(std::string_view metadata);

}  // namespace paystats::kafka
