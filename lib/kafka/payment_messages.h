// From payments to messages. Only for the files of this room. Tested through kafka/payment_sink.h.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/producer.h"
#include "record/decoder.h"
#include "record/payment.h"

namespace paystats::kafka {

// A message's value is the payment's line without its newline. Keeps its buffers: make one and use
// it again.
class PaymentMessages {
 public:
  explicit PaymentMessages(std::string topic);

  // As many payments as the batch has. REQUIRES: amount_text is plain.
  base::Result<void> send(const record::Batch& batch, Producer& producer);

  // REQUIRES: every line is a payment.
  base::Result<void> send(std::string_view lines, Producer& producer);

 private:
  const std::string topic_;
  std::string line_;
  record::LineDecoder<record::Payment> decoder_{record::FieldNames{}};
  record::DecodedLines<record::Payment> decoded_;
};

}  // namespace paystats::kafka
