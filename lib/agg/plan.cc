#include "agg/plan.h"

#include <fmt/format.h>

namespace paystats {
namespace {

Result<void> check_mode(const AggregateRequest& request, OutputMode mode) {
  if (mode != OutputMode::kFinal) return {};
  if (request.follow) {
    return fail(
        "--output-mode final waits for the end of the input, and with --follow there is "
        "none: choose update or complete");
  }
  if (request.trigger || request.max_records) {
    return fail(
        fmt::format("--{} has no effect on --output-mode final, which publishes once, at "
                    "the end: choose update or complete",
                    request.trigger ? "trigger" : "max-records"));
  }
  return {};
}

Result<void> check_rest(const AggregateRequest& request, const AggregatePlan& plan) {
  if (request.follow && plan.inputs.back().kind == Endpoint::Kind::kStdio) {
    return fail("--follow needs a file as its last INPUT: stdin is read until it ends");
  }
  if (request.merge && (request.user_field || request.amount_field)) {
    return fail("--key and --amount name fields of payments, but with --merge the input is stats");
  }
  if (request.jobs.value_or(1) > 1 && (plan.mode != OutputMode::kFinal || request.merge)) {
    return fail("--jobs needs payments as input and --output-mode final");
  }
  if (plan.names.user == plan.names.amount) {
    return fail(fmt::format("--key and --amount are the same field: {}", plan.names.user));
  }
  return {};
}

}  // namespace

Result<OutputMode> parse_output_mode(const std::string& word) {
  if (word == "final") return OutputMode::kFinal;
  if (word == "update") return OutputMode::kUpdate;
  if (word == "complete") return OutputMode::kComplete;
  if (word == "append") {
    return fail(
        "--output-mode append: a total is never finished, so no line could be appended that "
        "will not change; choose update (users that changed) or complete (all users)");
  }
  return fail(fmt::format("--output-mode {}: not one of final, update, complete", word));
}

Result<AggregatePlan> make_plan(const AggregateRequest& request) {
  AggregatePlan plan;
  Result<std::vector<Endpoint>> inputs = parse_inputs(request.inputs);
  if (!inputs) return fail(inputs.error());
  plan.inputs = std::move(*inputs);

  Result<Endpoint> output = Endpoint::parse(request.output);
  if (!output) return fail(output.error());
  plan.output = std::move(*output);

  plan.mode = request.follow ? OutputMode::kUpdate : OutputMode::kFinal;
  if (request.output_mode) {
    const Result<OutputMode> mode = parse_output_mode(*request.output_mode);
    if (!mode) return fail(mode.error());
    plan.mode = *mode;
  }
  if (Result<void> possible = check_mode(request, plan.mode); !possible) {
    return fail(possible.error());
  }
  if (request.trigger) plan.trigger.interval = *request.trigger;
  plan.trigger.records_max = request.max_records;
  plan.totals = {.users_max = request.users_max.value_or(UINT64_MAX),
                 .track_changes = plan.mode == OutputMode::kUpdate};

  if (request.rejects) {
    Result<Endpoint> rejects = Endpoint::parse(*request.rejects);
    if (!rejects) return fail(rejects.error());
    plan.rejects = std::move(*rejects);
  }
  if (request.user_field) plan.names.user = *request.user_field;
  if (request.amount_field) plan.names.amount = *request.amount_field;
  plan.follow = request.follow;
  plan.merge = request.merge;
  plan.jobs = request.jobs;
  plan.metrics = request.metrics;
  if (Result<void> possible = check_rest(request, plan); !possible) return fail(possible.error());
  return plan;
}

}  // namespace paystats
