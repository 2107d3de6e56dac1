// Opens what the command line names: a file or a stream, by io, or a topic. No other place does; it
// is in the lowest room that sees both.
//
//   EndpointOpener opener(options, context);
//   Result<std::unique_ptr<PaymentSink>> output = opener.payment_sink(endpoint);
//
// The cluster is looked up when the first topic is asked for, so a tool without topics needs no
// broker. What was opened borrows from the opener, which must outlive it. One thread opens.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/run_context.h"
#include "io/endpoint.h"
#include "io/payment_sink.h"
#include "io/reject_log.h"
#include "io/sink.h"
#include "kafka/cluster.h"
#include "kafka/options.h"
#include "kafka/payment_sink.h"
#include "kafka/slots.h"
#include "kafka/topic_source.h"
#include "log/log_keys.h"

namespace paystats::kafka {

struct PaymentSinkOptions {
  // Of a topic. A transactional id that is empty becomes that of `instance`, or, without one, of
  // the first free slot of this tool and topic on this host.
  TopicSinkOptions topic = {};
  std::optional<std::string> instance = std::nullopt;
  // Of a log or a stream, where idempotency keys are to be remembered.
  std::optional<log::LogKeysOptions> keys = std::nullopt;
};

class EndpointOpener {
 public:
  EndpointOpener(KafkaOptions options, const base::RunContext& context);
  EndpointOpener(const EndpointOpener&) = delete;
  EndpointOpener& operator=(const EndpointOpener&) = delete;
  ~EndpointOpener();

  const KafkaOptions& options() const { return options_; }

  // That of the command line; made by the first call, and then always the same.
  base::Result<Cluster*> cluster();

  base::Result<std::unique_ptr<io::PaymentSink>> payment_sink(const io::Endpoint& endpoint,
                                                              PaymentSinkOptions options = {});
  base::Result<std::unique_ptr<io::Sink>> sink(const io::Endpoint& endpoint, io::FileMode mode);
  // REQUIRES: `endpoint` is a topic; lines have open_source(). `waiter` is borrowed.
  base::Result<std::unique_ptr<io::MessageSource>> message_source(const io::Endpoint& endpoint,
                                                                  const TopicSourceOptions& options,
                                                                  const io::Waiter& waiter);
  // Without an endpoint rejects are shown on stderr.
  base::Result<std::unique_ptr<io::RejectLog>> reject_log(
      const std::optional<io::Endpoint>& endpoint);

 private:
  const KafkaOptions options_;
  const base::RunContext context_;
  std::unique_ptr<Cluster> cluster_;
  std::vector<Slot> slots_;  // held while what was opened lives
};

}  // namespace paystats::kafka
