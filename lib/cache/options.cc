#include "cache/options.h"

#include "base/utf8.h"
#include "cache/questions.h"
#include "io/distinct_places.h"

namespace paystats::cache {
namespace {

base::Result<void> check_inputs(const CacheOptions& options) {
  io::DistinctPlaces places;
  const base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(options.inputs);
  if (!inputs) return base::fail(inputs.error());
  if (options.run.empty()) {
    for (const io::Endpoint& input : *inputs) places.read(input);
  }
  if (options.ready_line && inputs->front().kind == io::Endpoint::Kind::kTopic) {
    return base::fail("--ready-line is for lines: of a topic the end is known");
  }
  if (options.top) {
    const base::Result<io::Endpoint> output = io::Endpoint::parse(options.output.value_or("-"));
    if (!output) return base::fail(output.error());
    places.write("output", *output);
  }
  const base::Result<std::optional<io::Endpoint>> rejects = io::parse_endpoint(options.rejects);
  if (!rejects) return base::fail(rejects.error());
  if (*rejects) places.write("--rejects", **rejects);
  if (options.metrics) places.write_file("--metrics", *options.metrics);
  return places.check();
}

}  // namespace

base::Result<void> check_options(const CacheOptions& options) {
  const bool list = options.top && !options.connect;
  if (!options.socket && !options.top && !options.connect) {
    return base::fail("say what to do: --socket PATH, --top N or --connect PATH");
  }
  if (options.socket && options.connect)
    return base::fail("--socket and --connect exclude each other");
  if (options.socket && options.top) return base::fail("--socket and --top exclude each other");
  if (options.hold && !options.socket) return base::fail("--hold needs --socket");
  if (options.ready_line && !options.socket) return base::fail("--ready-line needs --socket");
  if (!options.run.empty()) {
    if (options.connect) return base::fail("--run and --connect exclude each other");
    if (options.hold)
      return base::fail("--hold and --run exclude each other: it ends with its command");
    if (!options.inputs.empty()) return base::fail("--run reads no INPUT but its command's output");
  }
  if (options.user && !options.connect) return base::fail("--user needs --connect");
  if (options.watch && !options.connect) return base::fail("--watch needs --connect");
  if (options.output && options.socket) return base::fail("--output needs --top or --user");
  if (options.output && options.watch) return base::fail("--output and --watch exclude each other");
  if (list || options.socket) return check_inputs(options);

  if (!options.inputs.empty()) return base::fail("--connect reads no INPUT");
  if (options.rejects || options.metrics || options.users_max) {
    return base::fail("--connect reads nothing: no --rejects, --metrics or --users-max");
  }
  if (options.user && (options.top || options.watch)) {
    return base::fail("--user excludes --top and --watch");
  }
  if (!options.user && !options.top && !options.watch) {
    return base::fail("--connect needs --top N, --user USER or --watch");
  }
  if (options.top > protocol::kPageRowsMax) {
    return base::fail("--top: a running cache gives at most " +
                      std::to_string(protocol::kPageRowsMax) + " users at once");
  }
  if (options.user && !base::is_valid_utf8(*options.user)) return base::fail("--user: not UTF-8");
  return {};
}

}  // namespace paystats::cache
