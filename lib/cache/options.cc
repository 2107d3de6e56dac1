#include "cache/options.h"

#include "base/utf8.h"
#include "cache/questions.h"
#include "io/distinct_places.h"

namespace paystats {
namespace {

Result<void> check_inputs(const CacheRequest& request) {
  DistinctPlaces places;
  const Result<std::vector<Endpoint>> inputs = parse_inputs(request.inputs);
  if (!inputs) return fail(inputs.error());
  for (const Endpoint& input : *inputs) places.read(input);
  if (request.ready_line && inputs->front().kind == Endpoint::Kind::kTopic) {
    return fail("--ready-line is for lines: of a topic the end is known");
  }
  if (request.top) {
    const Result<Endpoint> output = Endpoint::parse(request.output.value_or("-"));
    if (!output) return fail(output.error());
    places.write("output", *output);
  }
  const Result<std::optional<Endpoint>> rejects = parse_endpoint(request.rejects);
  if (!rejects) return fail(rejects.error());
  if (*rejects) places.write("--rejects", **rejects);
  if (request.metrics) places.write_file("--metrics", *request.metrics);
  return places.check();
}

}  // namespace

Result<void> check_request(const CacheRequest& request) {
  const bool list = request.top && !request.connect;
  if (!request.socket && !request.top && !request.connect) {
    return fail("say what to do: --socket PATH, --top N or --connect PATH");
  }
  if (request.socket && request.connect) return fail("--socket and --connect exclude each other");
  if (request.socket && request.top) return fail("--socket and --top exclude each other");
  if (request.hold && !request.socket) return fail("--hold needs --socket");
  if (request.ready_line && !request.socket) return fail("--ready-line needs --socket");
  if (request.user && !request.connect) return fail("--user needs --connect");
  if (request.watch && !request.connect) return fail("--watch needs --connect");
  if (request.output && request.socket) return fail("--output needs --top or --user");
  if (request.output && request.watch) return fail("--output and --watch exclude each other");
  if (list || request.socket) return check_inputs(request);

  if (!request.inputs.empty()) return fail("--connect reads no INPUT");
  if (request.rejects || request.metrics || request.users_max) {
    return fail("--connect reads nothing: no --rejects, --metrics or --users-max");
  }
  if (request.user && (request.top || request.watch)) {
    return fail("--user excludes --top and --watch");
  }
  if (!request.user && !request.top && !request.watch) {
    return fail("--connect needs --top N, --user USER or --watch");
  }
  if (request.top > kPageRowsMax) {
    return fail("--top: a running cache gives at most " + std::to_string(kPageRowsMax) +
                " users at once");
  }
  if (request.user && !is_valid_utf8(*request.user)) return fail("--user: not UTF-8");
  return {};
}

}  // namespace paystats
