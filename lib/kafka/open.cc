#include "kafka/open.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "kafka/topic_sink.h"

namespace paystats {

EndpointOpener::EndpointOpener(KafkaOptions options, const RunContext& context)
    : options_(std::move(options)), context_(context) {}

EndpointOpener::~EndpointOpener() = default;

Result<Cluster*> EndpointOpener::cluster() {
  if (!cluster_) {
    Result<std::unique_ptr<Cluster>> made = Cluster::make(options_, context_);
    if (!made) return fail(made.error());
    cluster_ = std::move(*made);
  }
  return cluster_.get();
}

Result<std::unique_ptr<PaymentSink>> EndpointOpener::payment_sink(
    const Endpoint& endpoint, TopicSinkOptions topic_options,
    const std::optional<std::string>& instance) {
  if (endpoint.kind != Endpoint::Kind::kTopic) {
    return open_payment_sink(endpoint, context_.diagnostics);
  }
  const Result<Cluster*> in = cluster();
  if (!in) return fail(in.error());
  if (topic_options.transactional && topic_options.transactional_id.empty()) {
    const std::string prefix = fmt::format("{}.{}", context_.diagnostics.tool(), endpoint.name);
    if (instance) {
      topic_options.transactional_id = fmt::format("{}.{}", prefix, *instance);
    } else {
      Result<Slot> slot = Slot::take(prefix);
      if (!slot) return fail(slot.error());
      topic_options.transactional_id = slot->name();
      slots_.push_back(std::move(*slot));
    }
  }
  return open_topic_payment_sink(**in, endpoint.name, topic_options);
}

Result<std::unique_ptr<Sink>> EndpointOpener::sink(const Endpoint& endpoint, FileMode mode) {
  if (endpoint.kind != Endpoint::Kind::kTopic) return open_sink(endpoint, mode);
  const Result<Cluster*> in = cluster();
  if (!in) return fail(in.error());
  return open_topic_sink(**in, endpoint.name);
}

Result<std::unique_ptr<MessageSource>> EndpointOpener::message_source(
    const Endpoint& endpoint, const TopicSourceOptions& options, const Waiter& waiter) {
  assert(endpoint.kind == Endpoint::Kind::kTopic);
  const Result<Cluster*> known = cluster();
  if (!known) return fail(known.error());
  return open_topic_source(**known, endpoint.name, options, waiter);
}

Result<std::unique_ptr<RejectLog>> EndpointOpener::reject_log(
    const std::optional<Endpoint>& endpoint) {
  if (!endpoint) return std::make_unique<RejectLog>(context_.diagnostics);
  Result<std::unique_ptr<Sink>> opened = sink(*endpoint, FileMode::kAppend);
  if (!opened) return fail(opened.error());
  return std::make_unique<RejectLog>(context_.diagnostics, std::move(*opened), endpoint->name);
}

}  // namespace paystats
