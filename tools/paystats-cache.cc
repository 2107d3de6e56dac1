// paystats-cache: hold the newest stats of every user, ordered by sum, and answer about them.
#include "cache/command.h"
#include "cli/kafka_options.h"
#include "cli/tool_main.h"

namespace paystats {
namespace {

using Options = cache::CacheOptions;

void declare(cli::CommandLine& line, Options& options) {
  line.section("What to do with the stats");
  line.text("--socket", options.socket, "PATH", "answer on a Unix socket until the input ends");
  line.flag("--hold", options.hold, "with --socket: stay when the input has ended");
  line.flag("--ready-line", options.ready_line,
            "ready at the first empty line of the input, as payagg --ready-line writes it");
  line.number("--top", options.top, "N", "print the first N users, at the end of the input", 1,
              UINT64_MAX);
  line.section("Questions to a running cache");
  line.text("--connect", options.connect, "PATH", "ask the cache at this socket: --top or --user");
  line.text("--user", options.user, "USER", "print the stats of one user");
  line.flag("--watch", options.watch, "print the first users, and again after each change");
  line.section("Input and output");
  line.command("--run", options.run,
               "start this command, read what it writes, and end with its status; all words that "
               "follow are the command's");
  line.inputs(options.inputs, "INPUT", "stats: files, or kafka:TOPIC; - or none is stdin");
  line.text("-o,--output", options.output, "FILE", "where the list goes: - or a file (default -)");
  line.number("--users-max", options.users_max, "N", "more users than these are an error", 1,
              UINT64_MAX);
  line.text("--rejects", options.rejects, "ENDPOINT", "put bad records aside there");
  line.text("--metrics", options.metrics, "FILE", "figures for Prometheus, renewed each second");
  cli::declare_kafka(line, options.kafka);
}

base::Result<base::ExitStatus> run(const Options& options, base::RunContext& context) {
  const base::Result<base::RunOutcome> end = cache::run_command(options, context);
  if (!end && end.error().kind == base::ErrorKind::kInterrupted) context.stop.die_of_it();
  if (!end) return base::fail(end.error());
  if (end->cut_short) context.stop.die_of_it();
  return end->status;
}

}  // namespace
}  // namespace paystats

int main(int argc, char** argv) {
  using namespace paystats;
  return cli::tool_main<Options>(argc, argv, "paystats-cache",
                                 "hold the newest stats of every user, ordered by sum", declare,
                                 run);
}
