// What a job signs the offsets of its partitions with. Pure.
//
//   SignedOffset begin = take_over(found, start, part, origin);
//   note_last(block, parts);                              // messages that are being taken in
//   OffsetSignature signature = sign(part, origin);       // of the offset behind them
#pragma once

#include <cstdint>
#include <string>

#include "io/message_source.h"
#include "kafka/group_consumer.h"
#include "kafka/offset_signature.h"
#include "record/flaw.h"
#include "topics/partition.h"

namespace paystats::topics {

// Of what the totals are made.
struct TotalsOrigin {
  std::string cluster_id = {};
  uint64_t options = 0;  // see options_hash()
};

// A hash of the options that shape totals: XXH3-64 with seed 0 of options_text(), which is
// {"user":"user","amount":"paymentAmt","volume":"volume"} unless the user says otherwise. It is
// compared with what versions before have committed, so this text never changes: an option that
// comes later appears in it only where it is not at its default.
std::string options_text(const record::FieldNames& fields,
                         io::Framing framing = io::Framing::kNone);
uint64_t options_hash(const record::FieldNames& fields, io::Framing framing = io::Framing::kNone);

// Of each partition the last message in the block becomes that of its part. REQUIRES: the parts of
// all of them are there, and what they know was before it.
void note_last(const io::MessageBlock& block, TopicParts& parts);

// The table and the last message as they are now.
kafka::OffsetSignature sign(const TopicPart& part, const TotalsOrigin& origin);

// Of a partition that has been assigned, and its table read back: it goes on with the last message
// that the signature knows, or else its totals, if that is before `start`. Returns what stands next
// to that offset until a message has been read: the signature that was found, or where there is
// none, or it is of another offset, one of the table as it is.
kafka::SignedOffset take_over(const kafka::PartitionOffsets& found, int64_t start, TopicPart& part,
                              const TotalsOrigin& origin);

}  // namespace paystats::topics
