#include "kafka/open.h"

#include <utility>

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

Result<std::unique_ptr<PaymentSink>> EndpointOpener::payment_sink(const Endpoint& endpoint) {
  return open_payment_sink(endpoint, context_.diagnostics);
}

Result<std::unique_ptr<Sink>> EndpointOpener::sink(const Endpoint& endpoint, FileMode mode) {
  return open_sink(endpoint, mode);
}

Result<std::unique_ptr<RejectLog>> EndpointOpener::reject_log(
    const std::optional<Endpoint>& endpoint) {
  if (!endpoint) return std::make_unique<RejectLog>(context_.diagnostics);
  Result<std::unique_ptr<Sink>> opened = sink(*endpoint, FileMode::kAppend);
  if (!opened) return fail(opened.error());
  return std::make_unique<RejectLog>(context_.diagnostics, std::move(*opened), endpoint->name);
}

}  // namespace paystats
