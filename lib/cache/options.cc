#include "cache/options.h"

#include "base/utf8.h"
#include "cache/questions.h"
#include "io/distinct_places.h"

namespace paystats::cache {
namespace {

base::Result<void> check_inputs(const CacheRequest& request) {
  io::DistinctPlaces places;
  const base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(request.inputs);
  if (!inputs) return base::fail(inputs.error());
  for (const io::Endpoint& input : *inputs) places.read(input);
  if (request.ready_line && inputs->front().kind == io::Endpoint::Kind::kTopic) {
    return base::fail("--ready-line is for lines: of a topic the end is known");
  }
  if (request.top) {
    const base::Result<io::Endpoint> output = io::Endpoint::parse(request.output.value_or("-"));
    if (!output) return base::fail(output.error());
    places.write("output", *output);
  }
  const base::Result<std::optional<io::Endpoint>> rejects = io::parse_endpoint(request.rejects);
  if (!rejects) return base::fail(rejects.error());
  if (*rejects) places.write("--rejects", **rejects);
  if (request.metrics) places.write_file("--metrics", *request.metrics);
  return places.check();
}

}  // namespace

base::Result<void> check_request(const CacheRequest& request) {
  const bool list = request.top && !request.connect;
  if (!request.socket && !request.top && !request.connect) {
    return base::fail("say what to do: --socket PATH, --top N or --connect PATH");
  }
  if (request.socket && request.connect)
    return base::fail("--socket and --connect exclude each other");
  if (request.socket && request.top) return base::fail("--socket and --top exclude each other");
  if (request.hold && !request.socket) return base::fail("--hold needs --socket");
  if (request.ready_line && !request.socket) return base::fail("--ready-line needs --socket");
  if (request.user && !request.connect) return base::fail("--user needs --connect");
  if (request.watch && !request.connect) return base::fail("--watch needs --connect");
  if (request.output && request.socket) return base::fail("--output needs --top or --user");
  if (request.output && request.watch) return base::fail("--output and --watch exclude each other");
  if (list || request.socket) return check_inputs(request);

  if (!request.inputs.empty()) return base::fail("--connect reads no INPUT");
  if (request.rejects || request.metrics || request.users_max) {
    return base::fail("--connect reads nothing: no --rejects, --metrics or --users-max");
  }
  if (request.user && (request.top || request.watch)) {
    return base::fail("--user excludes --top and --watch");
  }
  if (!request.user && !request.top && !request.watch) {
    return base::fail("--connect needs --top N, --user USER or --watch");
  }
  if (request.top > protocol::kPageRowsMax) {
    return base::fail("--top: a running cache gives at most " +
                      std::to_string(protocol::kPageRowsMax) + " users at once");
  }
  if (request.user && !base::is_valid_utf8(*request.user)) return base::fail("--user: not UTF-8");
  return {};
}

}  // namespace paystats::cache
