// paystats-cache: hold the newest stats of every user, ordered by sum, and answer about them.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/tool_main.h"
#include "io/endpoint.h"
#include "io/open_source.h"
#include "io/reject_log.h"
#include "io/sink.h"
#include "net/cache_questions.h"
#include "net/cache_request.h"
#include "net/cache_run.h"
#include "net/stats_list.h"

namespace paystats {
namespace {

using Options = CacheRequest;

void declare(CommandLine& line, Options& options) {
  line.section("What to do with the stats");
  line.text("--socket", options.socket, "PATH", "answer on a Unix socket until the input ends");
  line.flag("--hold", options.hold, "with --socket: stay when the input has ended");
  line.number("--top", options.top, "N", "print the first N users, at the end of the input", 1,
              UINT64_MAX);
  line.section("Questions to a running cache");
  line.text("--connect", options.connect, "PATH", "ask the cache at this socket: --top or --user");
  line.text("--user", options.user, "USER", "print the stats of one user");
  line.flag("--watch", options.watch, "print the first users, and again after each change");
  line.section("Input and output");
  line.inputs(options.inputs, "INPUT", "files of stats; - or none is stdin");
  line.text("-o,--output", options.output, "ENDPOINT", "where the list goes: - or a file");
  line.number("--users-max", options.users_max, "N", "more users than these are an error", 1,
              UINT64_MAX);
  line.text("--rejects", options.rejects, "ENDPOINT", "put bad records aside there");
  line.text("--metrics", options.metrics, "FILE", "figures for Prometheus, renewed each second");
}

struct Output {
  std::unique_ptr<Sink> sink;
  int terminal_fd = -1;
};

Result<Output> open_output(const Options& options) {
  const Result<Endpoint> endpoint = Endpoint::parse(options.output.value_or("-"));
  if (!endpoint) return fail(endpoint.error());
  Result<std::unique_ptr<Sink>> sink = open_sink(*endpoint, FileMode::kReplace);
  if (!sink) return fail(sink.error());
  const bool terminal =
      endpoint->kind == Endpoint::Kind::kStdio && fd_type(STDOUT_FILENO) == FdType::kTerminal;
  return Output{std::move(*sink), terminal ? STDOUT_FILENO : -1};
}

Result<std::unique_ptr<RejectLog>> open_rejects(const Options& options, Diagnostics& diagnostics) {
  std::optional<Endpoint> place;
  if (options.rejects) {
    const Result<Endpoint> endpoint = Endpoint::parse(*options.rejects);
    if (!endpoint) return fail(endpoint.error());
    place = *endpoint;
  }
  return RejectLog::open(place, diagnostics);
}

// A reader who has seen enough is no failure: the list, and the watch, are for him alone.
Result<ExitStatus> end_of(const Result<void>& done, ExitStatus status) {
  if (!done && done.error().kind != ErrorKind::kClosedOutput) return fail(done.error());
  return status;
}

// --connect: a question to a running cache.
Result<ExitStatus> ask(const Options& options, RunContext& context) {
  Result<Output> output = open_output(options);
  if (!output) return fail(output.error());
  PageQuery page;
  page.watch = options.watch;
  page.limit = static_cast<uint32_t>(options.top.value_or(kPageRowsDefault));
  const CacheQuestion question{
      .path = *options.connect,
      .query = options.user ? Query(UserQuery{*options.user}) : Query(page)};
  const CacheDisplay display{*output->sink, output->terminal_fd};
  const Waiter waiter(context.stop, context.clock, output->sink->reader_fd());

  Result<void> done = options.watch ? watch_cache(question, display, waiter, context.diagnostics)
                                    : ask_cache(question, display, waiter, context.diagnostics);
  if (!done && done.error().kind == ErrorKind::kInterrupted) context.stop.die_of_it();
  if (done) done = output->sink->close();
  return end_of(done, ExitStatus::kDone);
}

// --top: the list at the end of the input; lines a page at a time, however many they are.
Result<void> print_top(const View& view, uint64_t top, Output& output) {
  if (output.terminal_fd >= 0) {
    Result<void> shown = output.sink->write(stats_table(view.page(0, top)));
    return shown ? output.sink->close() : shown;
  }
  const uint64_t rows = std::min(top, view.users());
  for (uint64_t offset = 0; offset < rows; offset += kPageRowsMax) {
    const uint64_t page = std::min<uint64_t>(kPageRowsMax, rows - offset);
    Result<void> written = output.sink->write(stats_lines(view.page(offset, page)));
    if (!written) return written;
  }
  return output.sink->close();
}

// --socket and --top: a cache of our own.
Result<ExitStatus> serve_or_list(const Options& options, RunContext& context) {
  const Result<std::vector<Endpoint>> inputs = parse_inputs(options.inputs);
  if (!inputs) return fail(inputs.error());

  // The output before the input: what cannot be written need not be read.
  std::optional<Output> output;
  if (options.top) {
    Result<Output> opened = open_output(options);
    if (!opened) return fail(opened.error());
    output = std::move(*opened);
  }
  const Waiter waiter(context.stop, context.clock, output ? output->sink->reader_fd() : -1);
  Result<std::unique_ptr<Source>> source = open_source(*inputs, {}, waiter, context.diagnostics);
  if (!source) return fail(source.error());
  const Result<std::unique_ptr<RejectLog>> log = open_rejects(options, context.diagnostics);
  if (!log) return fail(log.error());
  RejectLog& rejects = **log;
  Progress progress(context.diagnostics, context.clock, context.progress);
  CacheRun cache({.socket_path = options.socket,
                  .hold = options.hold,
                  .users_max = options.users_max.value_or(UINT64_MAX),
                  .metrics_path = options.metrics,
                  .server = {}},
                 {**source, rejects, context.stop, context.clock, progress, context.diagnostics});
  if (Result<void> opened = cache.open(); !opened) return fail(opened.error());

  // Beyond this point all is open: only data can fail.
  Result<void> done = cache.run();
  progress.clear();
  const Result<void> put_aside = rejects.finish();
  if (done && !put_aside) done = put_aside;
  if (!done || !output) return end_of(done, rejects.status());

  if (done = print_top(cache.view(), *options.top, *output); !done) {
    return end_of(done, rejects.status());
  }
  if ((*source)->cut_short()) {
    context.diagnostics.warning("the input was cut short: these are the first users so far");
    context.stop.die_of_it();
  }
  return rejects.status();
}

Result<ExitStatus> run(const Options& options, RunContext& context) {
  if (Result<void> good = check_request(options); !good) return fail(good.error());
  return options.connect ? ask(options, context) : serve_or_list(options, context);
}

}  // namespace
}  // namespace paystats

int main(int argc, char** argv) {
  using namespace paystats;
  return tool_main<Options>(argc, argv, "paystats-cache",
                            "hold the newest stats of every user, ordered by sum", declare, run);
}
