// A PaymentSink in which all that is put between two flushes is one transaction. Only for the files
// of this room. Tested through kafka/payment_sink.h.
#pragma once

#include <memory>
#include <string>

#include "io/payment_sink.h"
#include "kafka/payment_sink.h"
#include "kafka/producer.h"

namespace paystats::kafka {

std::unique_ptr<io::PaymentSink> transactional_payment_sink(std::string topic,
                                                            std::unique_ptr<Producer> producer,
                                                            const TopicSinkOptions& options);

}  // namespace paystats::kafka
