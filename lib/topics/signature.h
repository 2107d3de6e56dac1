// What a job signs the offsets of its partitions with. Pure.
//
//   SignedOffset begin = take_over(found, start, part, origin);
//   note_last(block, parts);                              // messages that are being taken in
//   note_end(position, part);                             // now and then, where input pauses
//   OffsetSignature signature = sign(part, position, origin);   // of the offset behind them
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
  std::string output = {};  // the topic that they are in
  uint64_t options = 0;     // see options_hash()
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

// Whether its payments come in transactions: where its end is behind the last message, that is the
// end of one.
void note_end(const kafka::GroupConsumer::Position& position, TopicPart& part);

// Whether what comes next is, as far as can be told, the end of the transaction that the last
// message belongs to. The client is told where a partition ends with the messages themselves: so it
// knows that something follows, and has not been told yet that it is no message.
bool is_before_marker(const kafka::GroupConsumer::Position& position, const TopicPart& part);

// The table and the last message as they are now; `position` is the offset that is signed.
kafka::OffsetSignature sign(const TopicPart& part, const TotalsOrigin& origin);
kafka::OffsetSignature sign(const TopicPart& part, const kafka::GroupConsumer::Position& position,
                            const TotalsOrigin& origin);

// Of a partition that has been assigned, and its table read back: it goes on with the last message
// that the signature knows, or else its totals, if that is before `start`. Returns what stands next
// to that offset until a message has been read: the signature that was found, or where there is
// none, or it is of another offset, one of the table as it is.
kafka::SignedOffset take_over(const kafka::PartitionOffsets& found, int64_t start, TopicPart& part,
                              const TotalsOrigin& origin);

}  // namespace paystats::topics
