#include "topics/signature.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "record/encoder.h"

namespace paystats::topics {

std::string options_text(const record::FieldNames& fields, io::Framing framing) {
  std::string text = "{\"user\":";
  record::append_any_string(text, fields.user);
  text += ",\"amount\":";
  record::append_any_string(text, fields.amount);
  text += ",\"volume\":";
  record::append_any_string(text, fields.volume);
  if (framing == io::Framing::kSchemaRegistry) text += ",\"framing\":\"schema-registry\"";
  text += '}';
  return text;
}

uint64_t options_hash(const record::FieldNames& fields, io::Framing framing) {
  return base::lasting_hash({options_text(fields, framing)});
}

// From behind, so that no other message of a partition is hashed: each of a block of large ones
// would cost as much as it costs to read it.
void note_last(const io::MessageBlock& block, TopicParts& parts) {
  std::optional<int32_t> behind;
  for (size_t i = block.messages.size(); i-- > 0;) {
    const io::Message& message = block.messages[i];
    if (std::exchange(behind, message.at.partition) == message.at.partition) continue;
    std::optional<kafka::MessageMark>& last = parts.at(message.at.partition).last;
    if (!last || last->offset < message.at.offset) last = kafka::mark_of(message);
  }
}

kafka::OffsetSignature sign(const TopicPart& part, const TotalsOrigin& origin) {
  return {.table = part.totals.digest(),
          .last = part.last,
          .cluster = origin.cluster_id,
          .output = origin.output,
          .options = origin.options,
          .transactions = part.transactions};
}

kafka::OffsetSignature sign(const TopicPart& part, const kafka::GroupConsumer::Position& position,
                            const TotalsOrigin& origin) {
  kafka::OffsetSignature signature = sign(part, origin);
  signature.before_marker = is_before_marker(position, part);
  return signature;
}

void note_end(const kafka::GroupConsumer::Position& position, TopicPart& part) {
  const bool read = part.last && part.last->offset >= part.begun;  // all behind it by this owner
  if (read && position.at_end && position.next > part.last->offset + 1) part.transactions = true;
}

bool is_before_marker(const kafka::GroupConsumer::Position& position, const TopicPart& part) {
  return part.transactions && part.last && part.last->offset + 1 == position.next &&
         !position.at_end && position.high > position.next;
}

kafka::SignedOffset take_over(const kafka::PartitionOffsets& found, int64_t start, TopicPart& part,
                              const TotalsOrigin& origin) {
  if (found.signature && found.signature->last) part.last = found.signature->last;
  if (part.last && part.last->offset >= start) part.last.reset();
  part.begun = start;
  part.transactions = found.signature && found.signature->transactions;
  const bool as_found = found.signature && found.committed == start;
  return {.partition = found.partition,
          .offset = start,
          .signature = as_found ? *found.signature : sign(part, origin)};
}

}  // namespace paystats::topics
