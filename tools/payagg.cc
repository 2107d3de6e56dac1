// payagg: sums and counts payments per user. See payagg(1).
#include "cli/field_options.h"
#include "cli/kafka_options.h"
#include "cli/tool_main.h"
#include "payagg/aggregate.h"
#include "payagg/plan.h"

#ifdef PAYSTATS_MIMALLOC
#include <errno.h>
#include <mimalloc.h>
#endif

namespace paystats {
namespace {

// mimalloc knows no handler of new. What a publication frees is wanted again within a second. Given
// back to the kernel after 25 ms, as mimalloc would, each page of it comes back with a fault.
void set_up_malloc() {
#ifdef PAYSTATS_MIMALLOC
  mi_register_error(
      [](int error, void* /*unused*/) {
        if (error == ENOMEM) cli::detail::end_without_memory();
      },
      nullptr);
  constexpr long kMilliseconds = 1000;
#if MI_MALLOC_VERSION >= 210
  mi_option_set_default(mi_option_purge_delay, kMilliseconds);
#else
  mi_option_set_default(mi_option_decommit_delay, kMilliseconds);
#endif
#endif
}

using Options = payagg::PayaggOptions;

void declare(cli::CommandLine& line, Options& options) {
  line.inputs(options.inputs, "INPUT",
              "payments, one JSON object a line: files, kafka:TOPIC, or - for stdin (default -)");
  line.section("Input");
  line.flag("--follow", options.follow,
            "go on reading the last INPUT as it grows; implies --output-mode update");
  line.flag("--available-now", options.available_now, "of a topic, read what is there now and end");
  line.flag("--merge", options.merge, "the input is stats: add up what several payaggs found");
  cli::declare_fields(line, options.fields);
  cli::declare_framing(line, options.schema_registry_framing);
  line.number("--jobs", options.jobs, "N",
              "threads in final mode (default: for regular files the cores, at most 8; else 1)", 1,
              256);
  line.number("--users-max", options.users_max, "N", "fail when there are more users than this", 1,
              totals::Totals::kUsersMax);

  line.section("From topic to topic");
  line.text("--group", options.group, "NAME", "the consumer group (default payagg.INPUT.OUTPUT)");
  line.text(
      "--instance", options.instance, "NAME",
      "this process in the group (default: the host and the first free number); of two of one "
      "name the older ends");
  line.word("--guarantee", options.guarantee, {"exactly-once", "at-least-once"},
            "exactly-once: totals and offsets change together; at-least-once: quicker by some "
            "milliseconds (default exactly-once)");
  line.word("--on-data-loss", options.on_data_loss, {"stop", "continue"},
            "when unread payments have been removed (default stop)");

  line.section("Output");
  line.text("-o,--output", options.output, "ENDPOINT",
            "where the stats go: a file, kafka:TOPIC, or - for stdout (default -)");
  line.word("--output-mode", options.output_mode, {"final", "update", "complete"},
            "final: all users once, at the end; update: users that changed, at each trigger; "
            "complete: all users, at each trigger (default final; update with --follow and of or "
            "to a topic)");
  line.duration("--trigger", options.trigger, "T",
                "publish at most once in this time, e.g. 1s (default 100ms); 0: at every pause of "
                "the input");
  line.number("--max-records", options.max_records, "N", "publish after each N records as well", 1,
              UINT64_MAX);
  line.flag("--ready-line", options.ready_line,
            "an empty line once all that was there at the start is out, for paystats-cache");
  line.text("--rejects", options.rejects, "ENDPOINT",
            "append bad records to this file instead of showing the first ten on stderr");
  line.text("--metrics", options.metrics, "FILE",
            "keep counts in this file in Prometheus' text format");
  cli::declare_kafka(line, options.kafka);
}

base::Result<base::ExitStatus> run(const Options& options, base::RunContext& context) {
  set_up_malloc();
  // What is asked for, and whether it can be.
  const base::Result<payagg::AggregatePlan> plan = payagg::make_plan(options);
  if (!plan) return base::fail(plan.error());

  // From the first record to the proof that all totals arrived.
  const base::Result<base::RunOutcome> end = payagg::aggregate(*plan, context);
  if (!end && end.error().kind == base::ErrorKind::kInterrupted) context.stop.die_of_it();
  if (!end) return base::fail(end.error());

  // All is closed and told by now. Totals of half an input must not look like a success.
  if (end->cut_short) context.stop.die_of_it();
  return end->status;
}

}  // namespace
}  // namespace paystats

int main(int argc, char** argv) {
  return paystats::cli::tool_main<paystats::Options>(
      argc, argv, "payagg", "sum and count payments per user", paystats::declare, paystats::run);
}
