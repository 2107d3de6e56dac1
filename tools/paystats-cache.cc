// paystats-cache: hold the newest stats of every user, ordered by sum, and answer about them.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache/options.h"
#include "cache/output.h"
#include "cache/questions.h"
#include "cache/run.h"
#include "cli/kafka_options.h"
#include "cli/tool_main.h"
#include "io/endpoint.h"
#include "io/open_source.h"
#include "io/reject_log.h"
#include "kafka/open.h"

namespace paystats {
namespace {

using Options = cache::CacheRequest;

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
  line.inputs(options.inputs, "INPUT", "stats: files, or kafka:TOPIC; - or none is stdin");
  line.text("-o,--output", options.output, "ENDPOINT", "where the list goes: - or a file");
  line.number("--users-max", options.users_max, "N", "more users than these are an error", 1,
              UINT64_MAX);
  line.text("--rejects", options.rejects, "ENDPOINT", "put bad records aside there");
  line.text("--metrics", options.metrics, "FILE", "figures for Prometheus, renewed each second");
  cli::declare_kafka(line, options.kafka);
}

base::Result<cache::CacheOutput> open_output(const Options& options) {
  const base::Result<io::Endpoint> endpoint = io::Endpoint::parse(options.output.value_or("-"));
  if (!endpoint) return base::fail(endpoint.error());
  return cache::open_cache_output(*endpoint);
}

// A reader who has seen enough is no failure: the list, and the watch, are for him alone.
base::Result<base::ExitStatus> end_of(const base::Result<void>& done, base::ExitStatus status) {
  if (!done && done.error().kind != base::ErrorKind::kClosedOutput) return base::fail(done.error());
  return status;
}

// --connect: a question to a running cache.
base::Result<base::ExitStatus> ask(const Options& options, base::RunContext& context) {
  base::Result<cache::CacheOutput> output = open_output(options);
  if (!output) return base::fail(output.error());
  protocol::PageQuery page;
  page.watch = options.watch;
  page.limit = static_cast<uint32_t>(options.top.value_or(protocol::kPageRowsDefault));
  const cache::CacheQuestion question{
      .path = *options.connect,
      .query = options.user ? protocol::Query(protocol::UserQuery{*options.user})
                            : protocol::Query(page)};
  const cache::CacheDisplay display{*output->sink, output->terminal_fd};
  const io::Waiter waiter(context.stop, context.clock, output->sink->reader_fd());

  base::Result<void> done = options.watch
                                ? cache::watch_cache(question, display, waiter, context.diagnostics)
                                : cache::ask_cache(question, display, waiter, context.diagnostics);
  if (!done && done.error().kind == base::ErrorKind::kInterrupted) context.stop.die_of_it();
  if (done) done = output->sink->close();
  return end_of(done, base::ExitStatus::kDone);
}

// Lines or messages, whichever it is; of a topic, --top wants what is there now.
struct Input {
  std::unique_ptr<io::Source> lines;
  std::unique_ptr<io::MessageSource> messages;

  cache::StatsInput stats(cache::Pause pause) const {
    return lines ? cache::StatsInput(*lines, pause) : cache::StatsInput(*messages);
  }
  bool cut_short() const { return lines ? lines->cut_short() : messages->cut_short(); }
};

base::Result<Input> open_input(const Options& options, kafka::EndpointOpener& opener,
                               const io::Waiter& waiter, base::RunContext& context) {
  const base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(options.inputs);
  if (!inputs) return base::fail(inputs.error());
  Input input;
  if (inputs->front().kind == io::Endpoint::Kind::kTopic) {
    base::Result<std::unique_ptr<io::MessageSource>> messages =
        opener.message_source(inputs->front(), {.until_end = options.top.has_value()}, waiter);
    if (!messages) return base::fail(messages.error());
    input.messages = std::move(*messages);
  } else {
    base::Result<std::unique_ptr<io::Source>> lines =
        io::open_source(*inputs, {}, waiter, context.diagnostics);
    if (!lines) return base::fail(lines.error());
    input.lines = std::move(*lines);
  }
  return input;
}

// --socket and --top: a cache of our own.
base::Result<base::ExitStatus> serve_or_list(const Options& options, base::RunContext& context) {
  // The output before the input: what cannot be written need not be read.
  kafka::EndpointOpener opener(options.kafka, context);
  std::optional<cache::CacheOutput> output;
  if (options.top) {
    base::Result<cache::CacheOutput> opened = open_output(options);
    if (!opened) return base::fail(opened.error());
    output = std::move(*opened);
  }
  const io::Waiter waiter(context.stop, context.clock, output ? output->sink->reader_fd() : -1);
  const base::Result<std::optional<io::Endpoint>> aside = io::parse_endpoint(options.rejects);
  if (!aside) return base::fail(aside.error());
  const base::Result<Input> input = open_input(options, opener, waiter, context);
  if (!input) return base::fail(input.error());
  const base::Result<std::unique_ptr<io::RejectLog>> log = opener.reject_log(*aside);
  if (!log) return base::fail(log.error());
  io::RejectLog& rejects = **log;
  base::Progress progress(context.diagnostics, context.clock, context.progress);
  cache::CacheRun cache(
      {.socket_path = options.socket,
       .hold = options.hold,
       .users_max = options.users_max.value_or(UINT64_MAX),
       .metrics_path = options.metrics,
       .server = {}},
      {input->stats(options.ready_line ? cache::Pause::kEmptyLine : cache::Pause::kSilence),
       rejects, context.stop, context.clock, progress, context.diagnostics});
  if (base::Result<void> opened = cache.open(); !opened) return base::fail(opened.error());

  // Beyond this point all is open: only data can fail.
  base::Result<void> done = cache.run();
  progress.clear();
  const base::Result<void> put_aside = rejects.finish();
  if (done && !put_aside) done = put_aside;
  if (!done || !output) return end_of(done, rejects.status());

  if (done = cache::print_top(cache.view(), *options.top, *output); !done) {
    return end_of(done, rejects.status());
  }
  if (input->cut_short()) {
    context.diagnostics.warning("the input was cut short: these are the first users so far");
    context.stop.die_of_it();
  }
  return rejects.status();
}

base::Result<base::ExitStatus> run(const Options& options, base::RunContext& context) {
  if (base::Result<void> good = cache::check_request(options); !good)
    return base::fail(good.error());
  base::Result<base::ExitStatus> end =
      options.connect ? ask(options, context) : serve_or_list(options, context);
  if (!end && end.error().kind == base::ErrorKind::kInterrupted) context.stop.die_of_it();
  return end;
}

}  // namespace
}  // namespace paystats

int main(int argc, char** argv) {
  using namespace paystats;
  return cli::tool_main<Options>(argc, argv, "paystats-cache",
                                 "hold the newest stats of every user, ordered by sum", declare,
                                 run);
}
