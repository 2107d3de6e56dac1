#include "gen/places.h"

#include <fmt/format.h>

#include <utility>

namespace paystats::gen {
namespace {

base::Result<io::Endpoint> parse_place(std::string_view option, std::string_view text) {
  base::Result<io::Endpoint> endpoint = io::Endpoint::parse(text);
  if (!endpoint) return base::fail(fmt::format("{}: {}", option, endpoint.error().message));
  return endpoint;
}

int on_stdout(const std::optional<io::Endpoint>& endpoint) {
  return endpoint && endpoint->kind == io::Endpoint::Kind::kStdio ? 1 : 0;
}

}  // namespace

base::Result<Places> parse_places(const PlaceOptions& options) {
  Places places;
  base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(options.inputs);
  if (!inputs) return base::fail(inputs.error());
  places.inputs = std::move(*inputs);

  base::Result<io::Endpoint> output = parse_place("--output", options.output);
  if (!output) return base::fail(output.error());
  places.output = std::move(*output);
  if (places.output.kind == io::Endpoint::Kind::kTopic &&
      places.inputs.front().kind == io::Endpoint::Kind::kTopic &&
      places.inputs.front().name == places.output.name) {
    return base::fail("input and output are one topic");
  }

  if (options.rejects) {
    base::Result<io::Endpoint> rejects = parse_place("--rejects", *options.rejects);
    if (!rejects) return base::fail(rejects.error());
    places.rejects = std::move(*rejects);
  }
  if (options.expect) {
    base::Result<io::Endpoint> expect = parse_place("--expect", *options.expect);
    if (!expect) return base::fail(expect.error());
    places.expect = std::move(*expect);
    if (places.expect->kind == io::Endpoint::Kind::kTopic) {
      return base::fail("--expect: totals go to a file, not to a topic");
    }
  }
  if (options.atomic && places.output.kind != io::Endpoint::Kind::kTopic) {
    return base::fail(
        "--atomic needs a topic as output: a file takes each batch as a whole anyway, and a pipe "
        "knows no transactions");
  }
  places.atomic = options.atomic;
  if (options.schema_registry_framing) {
    if (places.inputs.front().kind != io::Endpoint::Kind::kTopic) {
      return base::fail("--schema-registry-framing is for a topic: lines of a file have no frame");
    }
    places.framing = io::Framing::kSchemaRegistry;
  }
  if (on_stdout(places.output) + on_stdout(places.rejects) + on_stdout(places.expect) > 1) {
    return base::fail("only one of --output, --rejects and --expect can be standard output");
  }
  return places;
}

}  // namespace paystats::gen
