#include "kafka/payment_messages.h"

#include <fmt/format.h>

#include <utility>

#include "record/encoder.h"

namespace paystats::kafka {

PaymentMessages::PaymentMessages(std::string topic) : topic_(std::move(topic)) {}

base::Result<void> PaymentMessages::send(const record::Batch& batch, Producer& producer) {
  line_.clear();
  record::append_payment(line_, batch.user, batch.amount_text);
  line_.pop_back();
  const OutgoingMessage message{.topic = topic_, .key = batch.user, .value = line_};
  for (uint64_t i = 0; i < batch.volume; ++i) {
    if (base::Result<void> sent = producer.send(message); !sent) return sent;
  }
  return {};
}

base::Result<void> PaymentMessages::send(std::string_view lines, Producer& producer) {
  while (!lines.empty()) {
    const size_t used = decoder_.decode(lines, decoded_);
    if (!decoded_.rejected.empty()) {
      return base::fail(fmt::format("{}: not a payment: {}", topic_label(topic_),
                                    decoded_.rejected.front().text));
    }
    std::string_view rest = lines.substr(0, used);
    for (const auto& row : decoded_.rows) {
      const size_t newline = rest.find('\n');
      base::Result<void> sent = producer.send(
          {.topic = topic_, .key = row.record.user, .value = rest.substr(0, newline)});
      if (!sent) return sent;
      rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
    }
    lines.remove_prefix(used);
  }
  return {};
}

}  // namespace paystats::kafka
