#include "api/report.h"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace paystats::api {
namespace {

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(into_, "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void sample(std::string_view name, uint64_t value) {
    fmt::format_to(into_, "{} {}\n", name, value);
  }
  void counter(std::string_view name, std::string_view help, uint64_t value) {
    family(name, "counter", help);
    sample(name, value);
  }
  void gauge(std::string_view name, std::string_view help, uint64_t value) {
    family(name, "gauge", help);
    sample(name, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::back_insert_iterator<std::string> into_ = std::back_inserter(text_);
};

}  // namespace

HttpResponse readiness_response(const ServerFigures& figures) {
  std::string missing;
  if (!figures.cache_connected) missing += "the cache is away\n";
  if (figures.cache_connected && !figures.cache_ready) missing += "the cache is still reading\n";
  if (!figures.output_writable) missing += "payments cannot be written\n";
  if (missing.empty()) return text_response(200, "text/plain; charset=utf-8", "ready\n");
  return text_response(503, "text/plain; charset=utf-8", std::move(missing));
}

HttpResponse metrics_response(const ServerFigures& figures) {
  Exposition out;
  out.counter("paystats_serve_requests_total", "Requests read.", figures.requests);
  out.family("paystats_serve_responses_total", "counter", "Responses by class of status.");
  for (int digit = 2; digit <= 5; ++digit) {
    out.sample(fmt::format("paystats_serve_responses_total{{status=\"{}xx\"}}", digit),
               figures.responses[digit]);
  }
  out.counter("paystats_serve_payments_total", "Payments accepted.", figures.payments_accepted);
  out.counter("paystats_serve_posts_accepted_total", "Requests whose payments were accepted.",
              figures.posts_accepted);
  out.counter("paystats_serve_posts_failed_total",
              "Requests whose good payments could not be taken.", figures.posts_failed);
  out.counter("paystats_serve_events_total", "Events sent on streams.", figures.events_sent);
  out.counter("paystats_serve_connections_total", "Connections accepted.",
              figures.connections_seen);
  out.counter("paystats_serve_connections_refused_total",
              "Connections over the limit, closed at once.", figures.connections_refused);
  out.counter("paystats_serve_timeouts_total", "Connections cut off for being too slow.",
              figures.timeouts);
  out.gauge("paystats_serve_connections", "Connections open now.", figures.connections);
  out.gauge("paystats_serve_streams", "Live streams open now.", figures.streams);
  out.gauge("paystats_serve_posts_waiting", "Requests that wait for the output.",
            figures.posts_waiting);
  out.gauge("paystats_serve_cache_up", "1 while the cache answers.",
            figures.cache_connected ? 1 : 0);
  out.gauge("paystats_serve_cache_ready", "1 once the cache has read what was there at its start.",
            figures.cache_ready ? 1 : 0);
  out.gauge("paystats_serve_cache_version", "Version of the cache's totals.",
            figures.cache_version);
  out.gauge("paystats_serve_output_up", "1 while payments can be written.",
            figures.output_writable ? 1 : 0);
  return text_response(200, "text/plain; version=0.0.4; charset=utf-8", out.take());
}

}  // namespace paystats::api
