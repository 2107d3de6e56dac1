// Payments into a durable log, a line for each request (see payment_log.h), or to any other place
// that is no topic.
//
//   Result<std::unique_ptr<io::PaymentSink>> sink = open_payment_sink(endpoint, clock,
//   diagnostics); Result<void> put = (*sink)->put({.batches = batches}); Result<void> stored =
//   (*sink)->flush();                // from here on it survives a power cut
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/payment_sink.h"

namespace paystats::log {

// A file, and a stdout that is a regular file opened for appending (`>> payments.jsonl`), is a
// durable log; any other stdout is written as a stream. The clock, for the times of lines, and the
// diagnostics are borrowed.
base::Result<std::unique_ptr<io::PaymentSink>> open_payment_sink(const io::Endpoint& endpoint,
                                                                 const base::Clock& clock,
                                                                 base::Diagnostics& diagnostics);

}  // namespace paystats::log
