#include "io/message_source.h"

#include <algorithm>
#include <utility>

namespace paystats::io {
namespace {

class MemoryMessageSource final : public MessageSource {
 public:
  MemoryMessageSource(std::vector<OwnedMessage> messages, size_t block_messages, std::string name)
      : owned_(std::move(messages)), block_messages_(block_messages), name_(std::move(name)) {
    for (const OwnedMessage& owned : owned_) {
      messages_.push_back({.key = owned.key, .value = owned.value, .at = owned.at});
    }
  }

  base::Result<ReadStatus> read(MessageBlock& out, base::Instant /*deadline*/) override {
    if (next_ == messages_.size()) return ReadStatus::kEnd;
    const size_t count = std::min(block_messages_, messages_.size() - next_);
    out = {.messages = std::span(messages_).subspan(next_, count), .source = name_};
    next_ += count;
    return ReadStatus::kBlock;
  }
  bool caught_up() const override { return next_ == messages_.size(); }
  uint64_t messages_read() const override { return next_; }
  uint64_t messages_at_start() const override { return messages_.size(); }

 private:
  const std::vector<OwnedMessage> owned_;
  const size_t block_messages_;
  const std::string name_;
  std::vector<Message> messages_;  // point into owned_
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<MessageSource> memory_message_source(std::vector<OwnedMessage> messages,
                                                     size_t block_messages, std::string name) {
  return std::make_unique<MemoryMessageSource>(std::move(messages), block_messages,
                                               std::move(name));
}

}  // namespace paystats::io
