// Payments into a durable log, a line for each request (see payment_log.h), or to any other place
// that is no topic.
//
//   Result<std::unique_ptr<io::PaymentSink>> sink = open_payment_sink(endpoint, {}, clock,
//   diagnostics); Result<void> put = (*sink)->put({.batches = batches}); Result<void> stored =
//   (*sink)->flush();                // from here on it survives a power cut
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/payment_sink.h"
#include "log/log_keys.h"

namespace paystats::log {

// A file, and a stdout that is a regular file opened for appending (`>> payments.jsonl`), is a
// durable log; any other stdout is written as a stream. The clock, for the times of lines, and the
// diagnostics are borrowed. With `keys` the sink is keyed(): by the lines of a log, or, of a
// stream, by what this process has written.
base::Result<std::unique_ptr<io::PaymentSink>> open_payment_sink(
    const io::Endpoint& endpoint, const std::optional<LogKeysOptions>& keys,
    const base::Clock& clock, base::Diagnostics& diagnostics);

}  // namespace paystats::log
