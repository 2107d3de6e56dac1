// Where messages come from: what a topic gives in place of lines. Same contract as a Source, but a
// message has a key, a place of its own, and a value that is one JSON text or nothing at all.
//
//   MessageBlock block;
//   Result<ReadStatus> status = source.read(block, clock.now());   // now: do not wait
//
// Not thread-safe: one thread reads a source.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/source.h"
#include "record/payment.h"
#include "record/schema_frame.h"

namespace paystats::io {

struct Message {
  std::string_view key;                   // empty where there is none
  std::optional<std::string_view> value;  // nothing: a tombstone, or a null payment
  record::SourceOffset at;
  int64_t timestamp_ms = -1;  // since 1970, by its sender or its broker; -1: it has none
  // What a total says of the payments it was made of (its header `src`, see kafka/record_source.h).
  // Empty: it says nothing, or nobody has asked for it.
  std::string_view source_header = {};
};

// What is in front of the JSON text in a value: nothing, or where a message has it, a frame.
enum class Framing { kNone, kSchemaRegistry };

inline std::string_view text_of(std::string_view value, Framing framing) {
  return framing == Framing::kNone ? value : record::without_schema_frame(value);
}

struct MessageBlock {
  std::span<const Message> messages;  // in order within each partition
  std::string_view source;            // the topic
  // Without messages: those of all blocks before are of a topic that is another one now.
  bool begins_anew = false;
};

class MessageSource {
 public:
  virtual ~MessageSource() = default;

  // As Source::read(); a block lives until the next read.
  virtual base::Result<ReadStatus> read(MessageBlock& out, base::Instant deadline) = 0;

  // As those of Source. caught_up(): all that was there at the start has been read.
  virtual bool cut_short() const { return false; }
  virtual bool caught_up() const { return true; }

  // For progress: messages behind us, and of those that were there at the start together.
  virtual uint64_t messages_read() const { return 0; }
  virtual uint64_t messages_at_start() const { return 0; }
};

// Messages from memory, `block_messages` at a time: for tests.
struct OwnedMessage {
  std::string key;
  std::optional<std::string> value;
  record::SourceOffset at;
};
std::unique_ptr<MessageSource> memory_message_source(std::vector<OwnedMessage> messages,
                                                     size_t block_messages,
                                                     std::string name = "topic");

}  // namespace paystats::io
