// The messages of one look into a queue of librdkafka, as the readers above want them. Only for the
// files of this room.
//
//   MessageBatch batch(1024);                       // after the client: it must not outlive it
//   batch.fill(queue, [&](const rd_kafka_message_t& raw) {
//     if (raw.err != RD_KAFKA_RESP_ERR_NO_ERROR) { note(raw); return false; }
//     return raw.offset >= next[raw.partition];     // false: left out
//   });
//   for (const Message& message : batch.messages()) ...
//
// Nothing is copied: keys and values point into librdkafka's memory until the next fill() or
// clear(). A look never waits, since librdkafka would wait until the batch is full. An error, and
// the end of a partition, come in the same order as the messages, so `accept` sees all that came
// before it.
#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "io/message_source.h"
#include "kafka/rd.h"

namespace paystats::kafka {

class MessageBatch {
 public:
  // `source_header`: the name of the header that becomes that of a message; null: none is looked
  // for, since librdkafka reads the headers of a message when the first of them is asked for.
  explicit MessageBatch(size_t messages_max, const char* source_header = nullptr)
      : raw_(messages_max), source_header_(source_header) {
    messages_.reserve(raw_.size());
  }
  MessageBatch(const MessageBatch&) = delete;
  MessageBatch& operator=(const MessageBatch&) = delete;
  ~MessageBatch() { clear(); }

  // Lets go of what it held and takes what the queue has at once; `accept` says of each whether it
  // becomes one of messages(). Returns how many there were, accepted or not: 0 means that the queue
  // was empty.
  template <class Accept>
  size_t fill(rd_kafka_queue_t* queue, Accept&& accept) {
    clear();
    const ssize_t count = rd_kafka_consume_batch_queue(queue, 0, raw_.data(), raw_.size());
    if (count <= 0) return 0;
    used_ = static_cast<size_t>(count);
    for (size_t i = 0; i < used_; ++i) {
      if (accept(*raw_[i])) add(*raw_[i]);
    }
    return used_;
  }

  std::span<const io::Message> messages() const { return messages_; }

  void clear() {
    for (size_t i = 0; i < used_; ++i) rd_kafka_message_destroy(raw_[i]);
    used_ = 0;
    messages_.clear();
  }

 private:
  void add(const rd_kafka_message_t& raw) {
    assert(raw.err == RD_KAFKA_RESP_ERR_NO_ERROR);
    io::Message message{.key = {},
                        .value = {},
                        .at = {raw.partition, raw.offset},
                        .timestamp_ms = rd_kafka_message_timestamp(&raw, nullptr)};
    if (raw.key != nullptr) message.key = {static_cast<const char*>(raw.key), raw.key_len};
    if (raw.payload != nullptr) {
      message.value = std::string_view(static_cast<const char*>(raw.payload), raw.len);
    }
    if (source_header_ != nullptr) message.source_header = header_of(raw);
    messages_.push_back(message);
  }

  std::string_view header_of(const rd_kafka_message_t& raw) const {
    rd_kafka_headers_t* headers = nullptr;  // the message's
    if (rd_kafka_message_headers(&raw, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    const void* value = nullptr;
    size_t size = 0;
    if (rd_kafka_header_get_last(headers, source_header_, &value, &size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        value == nullptr) {
      return {};
    }
    return {static_cast<const char*>(value), size};
  }

  std::vector<rd_kafka_message_t*> raw_;
  const char* const source_header_;
  size_t used_ = 0;  // of raw_
  std::vector<io::Message> messages_;
};

}  // namespace paystats::kafka
