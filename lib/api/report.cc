#include "api/report.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "api/problem.h"
#include "base/metrics_text.h"

namespace paystats::api {
namespace {

constexpr size_t kMetricsBytes = 6 << 10;  // about so long is the text

}  // namespace

void ServerFigures::count(const HttpResponse& response) {
  const auto status_class = static_cast<size_t>(response.status / 100);
  if (status_class < std::size(responses)) ++responses[status_class];
  if (response.problem) ++refusals[static_cast<size_t>(*response.problem)];
}

HttpResponse readiness_response(const ServerFigures& figures) {
  std::string missing;
  if (!figures.cache_connected) missing += "the cache is away\n";
  if (figures.cache_connected && !figures.cache_ready) missing += "the cache is still reading\n";
  if (!figures.output_writable) missing += "payments cannot be written\n";
  if (missing.empty()) return text_response(200, "text/plain; charset=utf-8", "ready\n");
  return text_response(503, "text/plain; charset=utf-8", std::move(missing));
}

HttpResponse metrics_response(const ServerFigures& figures) {
  base::MetricsText out("paystats_serve_", kMetricsBytes);
  out.build_info();
  out.counter("requests_total", "Requests read.", figures.requests);
  out.family("responses_total", "counter", "Responses by class of status.");
  for (int digit = 2; digit <= 5; ++digit) {
    out.sample("responses_total", "status", fmt::format("{}xx", digit), figures.responses[digit]);
  }
  // Each type from the start: a counter that comes with its first refusal shows no increase.
  out.family("refusals_total", "counter", "Requests refused, or not answered, by type of problem.");
  for (size_t type = 0; type < kProblemTypes; ++type) {
    out.sample("refusals_total", "type", problem_name(static_cast<ProblemType>(type)),
               figures.refusals[type]);
  }
  out.counter("payments_total", "Payments accepted.", figures.payments_accepted);
  out.counter("posts_accepted_total", "Requests whose payments were accepted.",
              figures.posts_accepted);
  out.counter("posts_failed_total", "Requests whose good payments could not be taken.",
              figures.posts_failed);
  out.counter("events_total", "Events sent on streams.", figures.events_sent);
  out.counter("connections_total", "Connections accepted.", figures.connections_seen);
  out.counter("connections_refused_total", "Connections over the limit, closed at once.",
              figures.connections_refused);
  out.counter("connections_evicted_total", "Connections closed to make room for others.",
              figures.connections_evicted);
  out.counter("timeouts_total", "Connections cut off for being too slow.", figures.timeouts);
  out.gauge("connections", "Connections open now.", figures.connections);
  out.gauge("streams", "Live streams open now.", figures.streams);
  out.gauge("posts_waiting", "Requests that wait for the output.", figures.posts_waiting);
  out.gauge("cache_up", "1 while the cache answers.", figures.cache_connected ? 1 : 0);
  out.gauge("cache_ready", "1 once the cache has read what was there at its start.",
            figures.cache_ready ? 1 : 0);
  out.gauge("cache_version", "Version of the cache's totals.", figures.cache_version);
  out.gauge("output_up", "1 while payments can be written.", figures.output_writable ? 1 : 0);
  if (figures.keys.kept != keys::KeyFigures::Kept::kNot) {
    const keys::KeyFigures& keys = figures.keys;
    out.counter("posts_repeated_total", "Requests answered again by their idempotency key.",
                figures.posts_repeated);
    out.gauge("posts_undecided",
              "Requests with a key, and questions, that waited too long and are still open.",
              figures.posts_undecided);
    out.gauge("idempotency_keys", "Idempotency keys that are known.", keys.keys);
    out.gauge(
        "idempotency_keys_young",
        "Those of them that may not be forgotten: no new key is taken where that is the most.",
        keys.keys_young);
    out.gauge("idempotency_keys_max", "Keys younger than the memory that can be known.",
              keys.keys_max);
    out.gauge("idempotency_memory_seconds", "How long each key is known at least.",
              static_cast<uint64_t>(std::chrono::floor<std::chrono::seconds>(keys.memory).count()));
    out.gauge("idempotency_complete", "1 while every key of the output is known.",
              keys.complete ? 1 : 0);
  }
  return text_response(200, "text/plain; version=0.0.4; charset=utf-8", out.take());
}

}  // namespace paystats::api
