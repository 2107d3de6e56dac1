// paygen: make batches of payments. From options, from batch lines, or a seeded random workload.

#include <cstdint>

#include "cli/field_options.h"
#include "cli/kafka_options.h"
#include "cli/tool_main.h"
#include "gen/job.h"
#include "gen/pace.h"
#include "gen/places.h"
#include "gen/plan.h"

namespace paystats {
namespace {

struct Options {
  gen::GenOptions gen;
  gen::PlaceOptions places;
  kafka::KafkaOptions kafka;
};

void declare(cli::CommandLine& line, Options& options) {
  gen::GenOptions& gen = options.gen;
  gen::PlaceOptions& places = options.places;
  line.section("What to make (without --user or --random: batch lines from INPUT)");
  line.text("--user", gen.user, "USER", "payments of this user");
  line.text("--amount", gen.amount, "A|LO:HI",
            "the amount of each; with --random: its range (default 0.01:100.00)");
  line.number("--volume", gen.volume, "N", "how many (default 1, or without end with --duration)",
              1, UINT64_MAX);
  line.number("--random", gen.random, "N", "a random workload of N payments; 0: without end", 0,
              UINT64_MAX);
  line.number("--users", gen.users, "M", "among so many users (default 1000)", 1, gen::kUsersMax);
  line.text("--skew", gen.skew, "S",
            "of the users' shares: 0 (equal) to 10, Zipf's exponent (default 1.0)");
  line.number("--seed", gen.seed, "K", "the same seed makes the same bytes (default 1)", 0,
              UINT64_MAX);
  line.flag("--allow-negative", gen.allow_negative, "amounts of zero or less are no mistakes");
  cli::declare_fields(line, gen.fields);
  cli::declare_framing(line, places.schema_registry_framing);
  line.inputs(places.inputs, "INPUT", "batch lines: -, a file, or kafka:TOPIC (default -)");

  line.section("Pace");
  line.number("--rate", gen.rate, "N", "payments per second, evenly", 1, gen::kRateMax);
  line.duration("--duration", gen.duration, "T", "stop after so long (250ms, 10s, 5m, 1h)");

  line.section("Output");
  line.text("-o,--output", places.output, "ENDPOINT",
            "where the payments go: -, a file, appended to durably, or kafka:TOPIC (default -)");
  line.text("--expect", places.expect, "FILE", "write the exact totals of what was made");
  line.text("--rejects", places.rejects, "ENDPOINT",
            "put bad lines aside there (the first ten are shown on stderr)");
  line.text("--idempotency-prefix", gen.idempotency_prefix, "P",
            "into a log: batch N has the key P-N, and is made once, however often this runs");
  line.flag("--atomic", places.atomic, "to a topic: a batch is there as a whole or not at all");
  cli::declare_kafka(line, options.kafka);
}

base::Result<base::ExitStatus> run(const Options& options, base::RunContext& context) {
  // What cannot go together ends here, before anything is opened.
  const base::Result<gen::Plan> plan = gen::make_plan(options.gen, !options.places.inputs.empty());
  if (!plan) return base::fail(plan.error());
  const base::Result<gen::Places> places = gen::parse_places(options.places);
  if (!places) return base::fail(places.error());

  const base::Result<gen::JobOutcome> outcome =
      gen::run_job(*plan, *places, options.kafka, context);
  if (!outcome) return base::fail(outcome.error());

  // All that was made is where it belongs; now the shell may see why there is no more of it.
  if (outcome->interrupted && context.stop.requested()) context.stop.die_of_it();
  return outcome->status;
}

}  // namespace
}  // namespace paystats

int main(int argc, char** argv) {
  return paystats::cli::tool_main<paystats::Options>(
      argc, argv, "paygen", "make batches of payments", paystats::declare, paystats::run);
}
