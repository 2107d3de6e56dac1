#include "gen/places.h"

#include <fmt/format.h>

#include <utility>

namespace paystats {
namespace {

Result<Endpoint> parse_place(std::string_view option, std::string_view text) {
  Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint) return fail(fmt::format("{}: {}", option, endpoint.error().message));
  return endpoint;
}

int on_stdout(const std::optional<Endpoint>& endpoint) {
  return endpoint && endpoint->kind == Endpoint::Kind::kStdio ? 1 : 0;
}

}  // namespace

Result<Places> parse_places(const PlaceOptions& options) {
  Places places;
  Result<std::vector<Endpoint>> inputs = parse_inputs(options.inputs);
  if (!inputs) return fail(inputs.error());
  places.inputs = std::move(*inputs);

  Result<Endpoint> output = parse_place("--output", options.output);
  if (!output) return fail(output.error());
  places.output = std::move(*output);
  if (places.output.kind == Endpoint::Kind::kTopic &&
      places.inputs.front().kind == Endpoint::Kind::kTopic &&
      places.inputs.front().name == places.output.name) {
    return fail("input and output are one topic");
  }

  if (options.rejects) {
    Result<Endpoint> rejects = parse_place("--rejects", *options.rejects);
    if (!rejects) return fail(rejects.error());
    places.rejects = std::move(*rejects);
  }
  if (options.expect) {
    Result<Endpoint> expect = parse_place("--expect", *options.expect);
    if (!expect) return fail(expect.error());
    places.expect = std::move(*expect);
    if (places.expect->kind == Endpoint::Kind::kTopic) {
      return fail("--expect: totals go to a file, not to a topic");
    }
  }
  if (options.atomic && places.output.kind != Endpoint::Kind::kTopic) {
    return fail(
        "--atomic needs a topic as output: a file takes each batch as a whole anyway, and a pipe "
        "knows no transactions");
  }
  places.atomic = options.atomic;
  if (on_stdout(places.output) + on_stdout(places.rejects) + on_stdout(places.expect) > 1) {
    return fail("only one of --output, --rejects and --expect can be standard output");
  }
  return places;
}

}  // namespace paystats
