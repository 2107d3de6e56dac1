#include "payagg/plan.h"

#include <fmt/format.h>

#include <utility>

namespace paystats::payagg {
namespace {

base::Result<void> check_mode(const PayaggOptions& options, stream::OutputMode mode) {
  if (mode != stream::OutputMode::kFinal) return {};
  if (options.follow) {
    return base::fail(
        "--output-mode final waits for the end of the input, and with --follow there is "
        "none: choose update or complete");
  }
  if (options.trigger || options.max_records) {
    return base::fail(
        fmt::format("--{} has no effect on --output-mode final, which publishes once, at "
                    "the end: choose update or complete",
                    options.trigger ? "trigger" : "max-records"));
  }
  return {};
}

base::Result<void> check_rest(const PayaggOptions& options, const AggregatePlan& plan) {
  if (options.follow && plan.inputs.back().kind == io::Endpoint::Kind::kStdio) {
    return base::fail("--follow needs a file as its last INPUT: stdin is read until it ends");
  }
  if (options.ready_line && (plan.mode != stream::OutputMode::kUpdate || plan.writes_topic())) {
    return base::fail(
        "--ready-line is for changes that go out as lines: it needs --output-mode update, and no "
        "topic as output");
  }
  if (options.merge && options.fields.given()) {
    return base::fail(
        "--user-field, --amount-field and --volume-field are of payments, but with --merge the "
        "input is stats");
  }
  const bool in_group = plan.reads_topic() && plan.writes_topic();
  const bool whole_files = plan.mode == stream::OutputMode::kFinal && !plan.reads_topic();
  if (options.jobs.value_or(1) > 1 && (options.merge || (!whole_files && !in_group))) {
    return base::fail(
        "--jobs needs payments as input, and --output-mode final of files, or topics at both ends");
  }
  return {};
}

// What only a member of a consumer group can heed.
base::Result<void> check_group_options(const PayaggOptions& options, const AggregatePlan& plan) {
  if (plan.reads_topic() && plan.writes_topic()) return {};
  for (const auto& [name, value] :
       {std::pair("--group", &options.group), std::pair("--instance", &options.instance),
        std::pair("--guarantee", &options.guarantee),
        std::pair("--on-data-loss", &options.on_data_loss)}) {
    if (*value) {
      return base::fail(
          fmt::format("{} is for payagg from topic to topic: without a topic as output "
                      "everything is read from the beginning, in no group",
                      name));
    }
  }
  return {};
}

base::Result<void> check_topics(const PayaggOptions& options, const AggregatePlan& plan) {
  if (options.follow && plan.reads_topic()) {
    return base::fail("--follow is for files: a topic is followed anyway, unless --available-now");
  }
  if (options.available_now && !plan.reads_topic()) {
    return base::fail("--available-now is for a topic: a file is read to its end anyway");
  }
  if (options.schema_registry_framing && (!plan.reads_topic() || plan.merge)) {
    return base::fail(
        "--schema-registry-framing is for payments from a topic: neither lines of a file nor stats "
        "have a frame");
  }
  if (plan.reads_topic() && plan.mode == stream::OutputMode::kFinal && !plan.available_now) {
    return base::fail(
        "--output-mode final waits for the end of the input, and a topic has none: add "
        "--available-now");
  }
  if (!plan.writes_topic()) return {};
  if (options.merge) {
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

base::Result<void> take_group_options(const PayaggOptions& options, AggregatePlan& plan) {
  plan.group = options.group.value_or(
      fmt::format("payagg.{}.{}", plan.inputs.front().name, plan.output.name));
  plan.instance = options.instance;
  if (plan.group.empty() || (plan.instance && plan.instance->empty())) {
    return base::fail("--group and --instance are names, and not empty");
  }
  if (options.guarantee) {
    if (*options.guarantee == "at-least-once") {
      plan.guarantee = topics::Guarantee::kAtLeastOnce;
    } else if (*options.guarantee != "exactly-once") {
      return base::fail(fmt::format("--guarantee {}: not one of exactly-once, at-least-once",
                                    *options.guarantee));
    }
  }
  if (options.on_data_loss) {
    if (*options.on_data_loss == "continue") {
      plan.on_data_loss = topics::OnDataLoss::kContinue;
    } else if (*options.on_data_loss != "stop") {
      return base::fail(
          fmt::format("--on-data-loss {}: not one of stop, continue", *options.on_data_loss));
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

base::Result<AggregatePlan> make_plan(const PayaggOptions& options) {
  AggregatePlan plan;
  base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(options.inputs);
  if (!inputs) return base::fail(inputs.error());
  plan.inputs = std::move(*inputs);

  base::Result<io::Endpoint> output = io::Endpoint::parse(options.output);
  if (!output) return base::fail(output.error());
  plan.output = std::move(*output);

  plan.available_now = options.available_now;
  const bool ends = !options.follow && (!plan.reads_topic() || plan.available_now);
  plan.mode =
      ends && !plan.writes_topic() ? stream::OutputMode::kFinal : stream::OutputMode::kUpdate;
  if (options.output_mode) {
    const base::Result<stream::OutputMode> mode = parse_output_mode(*options.output_mode);
    if (!mode) return base::fail(mode.error());
    plan.mode = *mode;
  }
  if (base::Result<void> possible = check_mode(options, plan.mode); !possible) {
    return base::fail(possible.error());
  }
  if (options.trigger) plan.trigger.interval = *options.trigger;
  plan.trigger.records_max = options.max_records;
  plan.totals = {.users_max = options.users_max.value_or(UINT64_MAX),
                 .track_changes = plan.mode == stream::OutputMode::kUpdate};

  base::Result<std::optional<io::Endpoint>> rejects = io::parse_endpoint(options.rejects);
  if (!rejects) return base::fail(rejects.error());
  plan.rejects = std::move(*rejects);
  base::Result<record::FieldNames> fields = record::choose_fields(options.fields);
  if (!fields) return base::fail(fields.error());
  plan.fields = std::move(*fields);
  if (options.schema_registry_framing) plan.framing = io::Framing::kSchemaRegistry;
  plan.follow = options.follow;
  plan.merge = options.merge;
  plan.ready_line = options.ready_line;
  plan.jobs = options.jobs;
  plan.metrics = options.metrics;
  plan.kafka = options.kafka;
  if (base::Result<void> taken = take_group_options(options, plan); !taken)
    return base::fail(taken.error());
  if (base::Result<void> possible = check_group_options(options, plan); !possible) {
    return base::fail(possible.error());
  }
  if (base::Result<void> possible = check_topics(options, plan); !possible) {
    return base::fail(possible.error());
  }
  if (base::Result<void> possible = check_rest(options, plan); !possible)
    return base::fail(possible.error());
  return plan;
}

}  // namespace paystats::payagg
