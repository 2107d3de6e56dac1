#include "kafka/open.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "kafka/topic_sink.h"
#include "log/payment_sink.h"

namespace paystats::kafka {

EndpointOpener::EndpointOpener(KafkaOptions options, const base::RunContext& context)
    : options_(std::move(options)), context_(context) {}

EndpointOpener::~EndpointOpener() = default;

base::Result<Cluster*> EndpointOpener::cluster() {
  if (!cluster_) {
    base::Result<std::unique_ptr<Cluster>> made = Cluster::make(options_, context_);
    if (!made) return base::fail(made.error());
    cluster_ = std::move(*made);
  }
  return cluster_.get();
}

base::Result<std::unique_ptr<io::PaymentSink>> EndpointOpener::payment_sink(
    const io::Endpoint& endpoint, PaymentSinkOptions options) {
  if (endpoint.kind != io::Endpoint::Kind::kTopic) {
    return log::open_payment_sink(endpoint, options.keys, context_.clock, context_.diagnostics);
  }
  const base::Result<Cluster*> in = cluster();
  if (!in) return base::fail(in.error());
  TopicSinkOptions& topic = options.topic;
  if (topic.transactional && topic.transactional_id.empty()) {
    const std::string prefix = fmt::format("{}.{}", context_.diagnostics.tool(), endpoint.name);
    if (options.instance) {
      topic.transactional_id = fmt::format("{}.{}", prefix, *options.instance);
    } else {
      base::Result<Slot> slot = Slot::take(prefix);
      if (!slot) return base::fail(slot.error());
      topic.transactional_id = slot->name();
      slots_.push_back(std::move(*slot));
    }
  }
  return open_topic_payment_sink(**in, endpoint.name, topic);
}

base::Result<std::unique_ptr<io::Sink>> EndpointOpener::sink(const io::Endpoint& endpoint,
                                                             io::FileMode mode) {
  if (endpoint.kind != io::Endpoint::Kind::kTopic) return io::open_sink(endpoint, mode);
  const base::Result<Cluster*> in = cluster();
  if (!in) return base::fail(in.error());
  return open_topic_sink(**in, endpoint.name);
}

base::Result<std::unique_ptr<io::MessageSource>> EndpointOpener::message_source(
    const io::Endpoint& endpoint, const TopicSourceOptions& options, const io::Waiter& waiter) {
  assert(endpoint.kind == io::Endpoint::Kind::kTopic);
  const base::Result<Cluster*> known = cluster();
  if (!known) return base::fail(known.error());
  return open_topic_source(**known, endpoint.name, options, waiter);
}

base::Result<std::unique_ptr<io::RejectLog>> EndpointOpener::reject_log(
    const std::optional<io::Endpoint>& endpoint) {
  if (!endpoint) return std::make_unique<io::RejectLog>(context_.diagnostics);
  base::Result<std::unique_ptr<io::Sink>> opened = sink(*endpoint, io::FileMode::kAppend);
  if (!opened) return base::fail(opened.error());
  return std::make_unique<io::RejectLog>(context_.diagnostics, std::move(*opened), endpoint->name);
}

}  // namespace paystats::kafka
