#include "payagg/plan.h"

#include <fmt/format.h>

#include <utility>

namespace paystats::payagg {
namespace {

base::Result<void> check_mode(const PayaggOptions& request, stream::OutputMode mode) {
  if (mode != stream::OutputMode::kFinal) return {};
  if (request.follow) {
    return base::fail(
        "--output-mode final waits for the end of the input, and with --follow there is "
        "none: choose update or complete");
  }
  if (request.trigger || request.max_records) {
    return base::fail(
        fmt::format("--{} has no effect on --output-mode final, which publishes once, at "
                    "the end: choose update or complete",
                    request.trigger ? "trigger" : "max-records"));
  }
  return {};
}

base::Result<void> check_rest(const PayaggOptions& request, const AggregatePlan& plan) {
  if (request.follow && plan.inputs.back().kind == io::Endpoint::Kind::kStdio) {
    return base::fail("--follow needs a file as its last INPUT: stdin is read until it ends");
  }
  if (request.ready_line && (plan.mode != stream::OutputMode::kUpdate || plan.writes_topic())) {
    return base::fail(
        "--ready-line is for changes that go out as lines: it needs --output-mode update, and no "
        "topic as output");
  }
  if (request.merge && (request.user_field || request.amount_field)) {
    return base::fail(
        "--key and --amount name fields of payments, but with --merge the input is stats");
  }
  const bool in_group = plan.reads_topic() && plan.writes_topic();
  const bool whole_files = plan.mode == stream::OutputMode::kFinal && !plan.reads_topic();
  if (request.jobs.value_or(1) > 1 && (request.merge || (!whole_files && !in_group))) {
    return base::fail(
        "--jobs needs payments as input, and --output-mode final of files, or topics at both ends");
  }
  if (plan.fields.user == plan.fields.amount) {
    return base::fail(fmt::format("--key and --amount are the same field: {}", plan.fields.user));
  }
  return {};
}

// What only a member of a consumer group can heed.
base::Result<void> check_group_options(const PayaggOptions& request, const AggregatePlan& plan) {
  if (plan.reads_topic() && plan.writes_topic()) return {};
  for (const auto& [name, value] :
       {std::pair("--group", &request.group), std::pair("--instance", &request.instance),
        std::pair("--guarantee", &request.guarantee),
        std::pair("--on-data-loss", &request.on_data_loss)}) {
    if (*value) {
      return base::fail(
          fmt::format("{} is for payagg from topic to topic: without a topic as output "
                      "everything is read from the beginning, in no group",
                      name));
    }
  }
  return {};
}

base::Result<void> check_topics(const PayaggOptions& request, const AggregatePlan& plan) {
  if (request.follow && plan.reads_topic()) {
    return base::fail("--follow is for files: a topic is followed anyway, unless --available-now");
  }
  if (request.available_now && !plan.reads_topic()) {
    return base::fail("--available-now is for a topic: a file is read to its end anyway");
  }
  if (plan.reads_topic() && plan.mode == stream::OutputMode::kFinal && !plan.available_now) {
    return base::fail(
        "--output-mode final waits for the end of the input, and a topic has none: add "
        "--available-now");
  }
  if (!plan.writes_topic()) return {};
  if (request.merge) {
    return base::fail(
        "--merge: merged totals have no offset and cannot be the state of a topic; write them to a "
        "file or stdout");
  }
  if (plan.mode != stream::OutputMode::kUpdate) {
    return base::fail(
        "a topic takes --output-mode update alone: it keeps the newest total of each user");
  }
  if (!plan.reads_topic()) {
    return base::fail(
        "-o kafka:TOPIC needs payments from a topic: the totals' offsets are what makes them "
        "exact; bring lines there first, with paygen or kcat");
  }
  if (plan.inputs.front().name == plan.output.name)
    return base::fail("input and output are one topic");
  return {};
}

base::Result<void> take_group_options(const PayaggOptions& request, AggregatePlan& plan) {
  plan.group = request.group.value_or(
      fmt::format("payagg.{}.{}", plan.inputs.front().name, plan.output.name));
  plan.instance = request.instance;
  if (plan.group.empty() || (plan.instance && plan.instance->empty())) {
    return base::fail("--group and --instance are names, and not empty");
  }
  if (request.guarantee) {
    if (*request.guarantee == "at-least-once") {
      plan.guarantee = topics::Guarantee::kAtLeastOnce;
    } else if (*request.guarantee != "exactly-once") {
      return base::fail(fmt::format("--guarantee {}: not one of exactly-once, at-least-once",
                                    *request.guarantee));
    }
  }
  if (request.on_data_loss) {
    if (*request.on_data_loss == "continue") {
      plan.on_data_loss = topics::OnDataLoss::kContinue;
    } else if (*request.on_data_loss != "stop") {
      return base::fail(
          fmt::format("--on-data-loss {}: not one of stop, continue", *request.on_data_loss));
    }
  }
  return {};
}

}  // namespace

base::Result<stream::OutputMode> parse_output_mode(const std::string& word) {
  if (word == "final") return stream::OutputMode::kFinal;
  if (word == "update") return stream::OutputMode::kUpdate;
  if (word == "complete") return stream::OutputMode::kComplete;
  if (word == "append") {
    return base::fail(
        "--output-mode append: a total is never finished, so no line could be appended that "
        "will not change; choose update (users that changed) or complete (all users)");
  }
  return base::fail(fmt::format("--output-mode {}: not one of final, update, complete", word));
}

base::Result<AggregatePlan> make_plan(const PayaggOptions& request) {
  AggregatePlan plan;
  base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(request.inputs);
  if (!inputs) return base::fail(inputs.error());
  plan.inputs = std::move(*inputs);

  base::Result<io::Endpoint> output = io::Endpoint::parse(request.output);
  if (!output) return base::fail(output.error());
  plan.output = std::move(*output);

  plan.available_now = request.available_now;
  const bool ends = !request.follow && (!plan.reads_topic() || plan.available_now);
  plan.mode =
      ends && !plan.writes_topic() ? stream::OutputMode::kFinal : stream::OutputMode::kUpdate;
  if (request.output_mode) {
    const base::Result<stream::OutputMode> mode = parse_output_mode(*request.output_mode);
    if (!mode) return base::fail(mode.error());
    plan.mode = *mode;
  }
  if (base::Result<void> possible = check_mode(request, plan.mode); !possible) {
    return base::fail(possible.error());
  }
  if (request.trigger) plan.trigger.interval = *request.trigger;
  plan.trigger.records_max = request.max_records;
  plan.totals = {.users_max = request.users_max.value_or(UINT64_MAX),
                 .track_changes = plan.mode == stream::OutputMode::kUpdate};

  base::Result<std::optional<io::Endpoint>> rejects = io::parse_endpoint(request.rejects);
  if (!rejects) return base::fail(rejects.error());
  plan.rejects = std::move(*rejects);
  if (request.user_field) plan.fields.user = *request.user_field;
  if (request.amount_field) plan.fields.amount = *request.amount_field;
  plan.follow = request.follow;
  plan.merge = request.merge;
  plan.ready_line = request.ready_line;
  plan.jobs = request.jobs;
  plan.metrics = request.metrics;
  plan.kafka = request.kafka;
  if (base::Result<void> taken = take_group_options(request, plan); !taken)
    return base::fail(taken.error());
  if (base::Result<void> possible = check_group_options(request, plan); !possible) {
    return base::fail(possible.error());
  }
  if (base::Result<void> possible = check_topics(request, plan); !possible) {
    return base::fail(possible.error());
  }
  if (base::Result<void> possible = check_rest(request, plan); !possible)
    return base::fail(possible.error());
  return plan;
}

}  // namespace paystats::payagg
