// paystats-serve: the page, the REST API and the live stream; payments in, totals out.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/static_files.h"
#include "base/service_ready.h"
#include "cli/kafka_options.h"
#include "cli/tool_main.h"
#include "http/run.h"
#include "io/endpoint.h"
#include "io/keyed_requests.h"
#include "io/payment_sink.h"
#include "kafka/open.h"
#include "keys/key_table.h"
#include "requests/service.h"

namespace paystats {
namespace {

struct Options {
  std::optional<std::string> stats;
  std::string listen = "127.0.0.1:8080";
  bool wait_for_address = false;
  std::optional<std::string> www;
  std::string output = "-";
  std::optional<std::string> public_url;
  std::vector<std::string> allowed_hosts;
  std::optional<uint64_t> volume_max;
  bool allow_negative = false;
  std::optional<uint64_t> connections_max;
  requests::RequestsOptions keyed;
  std::optional<base::Duration> idempotency_memory;
  kafka::KafkaOptions kafka;
};

// A client is told what became of its payments, and may post them again: the sink does not. What
// is under way at a stop signal has to end while the server still waits for it.
const kafka::TopicSinkOptions kTransactions = {.transactional = true,
                                               .stop_grace = std::chrono::milliseconds(500)};

void declare(cli::CommandLine& line, Options& options) {
  line.section("Where payments go, and totals come from");
  line.text("-o,--output", options.output, "ENDPOINT",
            "where payments go: -, a file, or kafka:TOPIC (default -)");
  line.text("--stats", options.stats, "PATH", "the socket of a paystats-cache");
  line.section("The server");
  line.text("--listen", options.listen, "ADDRESS",
            "HOST:PORT (default 127.0.0.1:8080; port 0 is any free one) or unix:PATH");
  line.flag("--wait-for-address", options.wait_for_address,
            "wait where this machine does not have that address yet");
  line.text(
      "--public-url", options.public_url, "URL",
      "the address of the page behind a proxy: http:// or https://, host, maybe port and path");
  line.list("--allow-host", options.allowed_hosts, "NAME",
            "a further name by which clients may call this server, NAME or NAME:PORT");
  line.text("--www", options.www, "DIR",
            "the files of the page (default ../share/paystats/www, as seen from the program)");
  line.number("--connections-max", options.connections_max, "N",
              "connections at a time (default 1024)", 1, 1'000'000);
  line.section("Payments");
  line.number("--volume-max", options.volume_max, "N", "payments in one request (default 100000)",
              1, 1'000'000'000);
  line.flag("--allow-negative", options.allow_negative, "take amounts that are not positive");
  line.section("Idempotency keys");
  line.number("--keys-max", options.keyed.limits.keys_max, "N",
              "keys of one memory (default 1000000); 16 bytes each, in a pipe 56, of a topic 32", 1,
              1'000'000'000);
  line.duration("--idempotency-memory", options.idempotency_memory, "T",
                "how long a key is known at least (default 24h)");
  line.text("--requests", options.keyed.requests, "TOPIC",
            "of kafka:TOPIC: where requests with keys go first (default payment-requests)");
  line.text("--answers", options.keyed.answers, "TOPIC",
            "what became of them (default payment-answers)");
  cli::declare_kafka(line, options.kafka);
  line.text("--instance", options.keyed.instance, "NAME",
            "a name of this server's own among those that write to the topic (default: by host)");
}

base::Result<http::HttpRunOptions> run_options(const Options& options, const io::Endpoint& output) {
  if (!options.stats) return base::fail("--stats PATH is needed: the socket of a paystats-cache");
  base::Result<http::ListenAddress> address = http::parse_listen_address(options.listen);
  if (!address) return base::fail("--listen: " + address.error().message);
  base::Result<api::RouterOptions> router =
      api::router_options(options.allowed_hosts, options.public_url);
  if (!router) return base::fail(router.error());
  http::HttpRunOptions result;
  result.router = std::move(*router);
  result.address = std::move(*address);
  result.wait_for_address = options.wait_for_address;
  result.stats_path = *options.stats;
  result.output_is_topic = output.kind == io::Endpoint::Kind::kTopic;
  result.output_name = output.kind == io::Endpoint::Kind::kStdio ? "stdout" : output.name;
  if (result.output_is_topic) result.output_name = "kafka:" + output.name;
  result.rules.volume_max = options.volume_max.value_or(result.rules.volume_max);
  result.rules.allow_negative = options.allow_negative;
  result.limits.connections_max =
      static_cast<size_t>(options.connections_max.value_or(result.limits.connections_max));
  return result;
}

// Nothing has been taken yet, so to be told to end while a broker, or an address, is waited for is
// no failure.
base::Result<base::ExitStatus> interrupted_or(const base::Error& error) {
  if (error.kind == base::ErrorKind::kInterrupted) return base::ExitStatus::kDone;
  return base::fail(error);
}

base::Result<base::ExitStatus> run(const Options& options, base::RunContext& context) {
  requests::RequestsOptions keyed_options = options.keyed;
  keys::KeyLimits& limits = keyed_options.limits;
  limits.memory = options.idempotency_memory.value_or(limits.memory);
  const base::Result<io::Endpoint> output = io::Endpoint::parse(options.output);
  if (!output) return base::fail(output.error());
  base::Result<http::HttpRunOptions> plan = run_options(options, *output);
  if (!plan) return base::fail(plan.error());

  // Whatever can be missing is missed before the first client comes.
  base::Result<api::StaticFiles> page = api::load_page(options.www, context.diagnostics);
  if (!page) return base::fail(page.error());
  if (plan->output_is_topic) base::tell_service_ready();  // a broker may come late
  kafka::EndpointOpener opener(options.kafka, context);
  base::Result<std::unique_ptr<io::PaymentSink>> sink =
      opener.payment_sink(*output, {.topic = kTransactions,
                                    .instance = keyed_options.instance,
                                    .keys = log::LogKeysOptions{.limits = limits}});
  if (!sink) return interrupted_or(sink.error());
  base::Result<std::unique_ptr<io::KeyedRequests>> keyed =
      requests::open_requests(*output, keyed_options, opener);
  if (!keyed) return interrupted_or(keyed.error());
  http::HttpRun server(std::move(*plan), context);
  base::Result<void> opened = server.open(std::move(*sink), std::move(*page), std::move(*keyed));
  if (!opened) return interrupted_or(opened.error());

  // Beyond this point all is open: only the output can fail.
  const base::Result<void> done = server.run();
  if (server.output_stuck()) {
    // The thread that writes is in the output still, and uses what would be destroyed from here on.
    context.diagnostics.error(done.error().message);
    std::_Exit(static_cast<int>(base::ExitStatus::kFailed));
  }
  if (!done) return base::fail(done.error());
  return base::ExitStatus::kDone;
}

}  // namespace
}  // namespace paystats

int main(int argc, char** argv) {
  using namespace paystats;
  return cli::tool_main<Options>(argc, argv, "paystats-serve",
                                 "the page, the REST API and the live stream of the totals",
                                 declare, run);
}
