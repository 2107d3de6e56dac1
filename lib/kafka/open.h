// The one place that opens what the command line names, whether it is a file, a stream or a topic.
//
//   EndpointOpener opener(options.kafka, context);
//   Result<std::unique_ptr<PaymentSink>> output = opener.payment_sink(endpoint);
//
// The cluster is looked up when the first topic is asked for, so who names no topic needs no
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

namespace paystats {

class EndpointOpener {
 public:
  EndpointOpener(KafkaOptions options, const RunContext& context);
  EndpointOpener(const EndpointOpener&) = delete;
  EndpointOpener& operator=(const EndpointOpener&) = delete;
  ~EndpointOpener();

  // That of the command line; made by the first call, and then always the same.
  Result<Cluster*> cluster();

  // `topic_options` count for a topic alone. A transactional id that is empty becomes that of
  // `instance`, or, without one, of the first free slot of this tool and topic on this host.
  Result<std::unique_ptr<PaymentSink>> payment_sink(
      const Endpoint& endpoint, TopicSinkOptions topic_options = {},
      const std::optional<std::string>& instance = std::nullopt);
  Result<std::unique_ptr<Sink>> sink(const Endpoint& endpoint, FileMode mode);
  // REQUIRES: `endpoint` is a topic; lines have open_source(). `waiter` is borrowed.
  Result<std::unique_ptr<MessageSource>> message_source(const Endpoint& endpoint,
                                                        const TopicSourceOptions& options,
                                                        const Waiter& waiter);
  // Without an endpoint rejects are shown on stderr.
  Result<std::unique_ptr<RejectLog>> reject_log(const std::optional<Endpoint>& endpoint);

 private:
  const KafkaOptions options_;
  const RunContext context_;
  std::unique_ptr<Cluster> cluster_;
  std::vector<Slot> slots_;  // held while what was opened lives
};

}  // namespace paystats
