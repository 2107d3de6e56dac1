#include "cache/command.h"

#include <signal.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "cache/feed_command.h"
#include "cache/output.h"
#include "cache/questions.h"
#include "cache/run.h"
#include "io/endpoint.h"
#include "io/open_source.h"
#include "io/reject_log.h"
#include "kafka/open.h"

namespace paystats::cache {
namespace {

base::Result<CacheOutput> open_output(const CacheOptions& options) {
  const base::Result<io::Endpoint> endpoint = io::Endpoint::parse(options.output.value_or("-"));
  if (!endpoint) return base::fail(endpoint.error());
  return open_cache_output(*endpoint);
}

// A reader that has seen enough is no failure: the list, and the watch, are for that reader alone.
base::Result<base::RunOutcome> end_of(const base::Result<void>& done, base::ExitStatus status) {
  if (!done && done.error().kind != base::ErrorKind::kClosedOutput) return base::fail(done.error());
  return base::RunOutcome{.status = status};
}

// --connect: a question to a running cache.
base::Result<base::RunOutcome> ask(const CacheOptions& options, const base::RunContext& context) {
  base::Result<CacheOutput> output = open_output(options);
  if (!output) return base::fail(output.error());
  protocol::PageQuery page;
  page.watch = options.watch;
  page.limit = static_cast<uint32_t>(options.top.value_or(protocol::kPageRowsDefault));
  const CacheQuestion question{.path = *options.connect,
                               .query = options.user
                                            ? protocol::Query(protocol::UserQuery{*options.user})
                                            : protocol::Query(page)};
  const CacheDisplay display{*output->sink, output->terminal_fd};
  const io::Waiter waiter(context.stop, context.clock, output->sink->reader_fd());

  base::Result<void> done = options.watch
                                ? watch_cache(question, display, waiter, context.diagnostics)
                                : ask_cache(question, display, waiter, context.diagnostics);
  if (done) done = output->sink->close();
  return end_of(done, base::ExitStatus::kDone);
}

// Lines or messages, whichever it is; of a topic, --top wants what is there now.
struct Input {
  std::unique_ptr<FeedCommand> command;  // whose output the lines are; else null
  std::unique_ptr<io::Source> lines;
  std::unique_ptr<io::MessageSource> messages;

  StatsInput stats(Pause pause) const {
    return lines ? StatsInput(*lines, pause) : StatsInput(*messages);
  }
  bool cut_short() const { return lines ? lines->cut_short() : messages->cut_short(); }
};

base::Result<Input> open_input(const CacheOptions& options, kafka::EndpointOpener& opener,
                               const io::Waiter& waiter, const base::RunContext& context) {
  const base::Result<std::vector<io::Endpoint>> inputs = io::parse_inputs(options.inputs);
  if (!inputs) return base::fail(inputs.error());
  Input input;
  if (!options.run.empty()) {
    base::Result<FeedCommand> command = FeedCommand::make(options.run, context.clock);
    if (!command) return base::fail(command.error());
    input.command = std::make_unique<FeedCommand>(std::move(*command));
    input.lines = input.command->source(waiter);
  } else if (inputs->front().kind == io::Endpoint::Kind::kTopic) {
    base::Result<std::unique_ptr<io::MessageSource>> messages = opener.message_source(
        inputs->front(),
        {.until_end = options.top.has_value(),
         .when_lost = options.top ? kafka::WhenLost::kFail : kafka::WhenLost::kBeginAgain},
        waiter);
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

base::Result<void> start(const Input& input) {
  return input.command ? input.command->start() : base::Result<void>();
}

// `done` and `status` are what the cache has come to by itself, and then what both have.
base::Result<void> end_command(FeedCommand& command, base::Result<void> done,
                               const base::RunContext& context, base::ExitStatus& status) {
  if (!done) command.tell(SIGTERM);  // nobody reads on
  const base::ExitStatus of_command = command.finish(context);
  if (done || done.error().kind == base::ErrorKind::kClosedOutput) {
    if (of_command != base::ExitStatus::kDone) status = of_command;
  } else if (of_command == base::ExitStatus::kMustNotGoOn) {
    done = base::fail(done.error().message, base::ErrorKind::kMustNotGoOn);
  }
  return done;
}

// --socket and --top: a cache of our own.
base::Result<base::RunOutcome> serve_or_list(const CacheOptions& options,
                                             const base::RunContext& context) {
  // The output before the input: what cannot be written need not be read.
  kafka::EndpointOpener opener(options.kafka, context);
  std::optional<CacheOutput> output;
  if (options.top) {
    base::Result<CacheOutput> opened = open_output(options);
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
  // A command has a line of its own, on the same terminal.
  base::Progress progress(context.diagnostics, context.clock,
                          context.progress && options.run.empty());
  CacheRun cache({.socket_path = options.socket,
                  .hold = options.hold,
                  .users_max = options.users_max.value_or(UINT64_MAX),
                  .metrics_path = options.metrics,
                  .server = {},
                  .on_stop =
                      [&] {
                        if (input->command) input->command->tell(context.stop.number());
                      }},
                 {input->stats(options.ready_line ? Pause::kEmptyLine : Pause::kSilence), rejects,
                  progress, context});
  if (base::Result<void> opened = cache.open(); !opened) return base::fail(opened.error());

  // Beyond this point all is open: only data can fail.
  if (base::Result<void> started = start(*input); !started) return base::fail(started.error());
  base::Result<void> done = cache.run();
  progress.clear();
  const base::Result<void> put_aside = rejects.finish();
  if (done && !put_aside) done = put_aside;
  base::ExitStatus status = rejects.status();
  if (input->command) done = end_command(*input->command, std::move(done), context, status);
  if (!done || !output) return end_of(done, status);

  const bool cut_short = input->cut_short();
  // What a command has written that failed is no whole input, and a list would look as if it were.
  const bool wrong = status == base::ExitStatus::kMustNotGoOn;
  if (wrong || (status > base::ExitStatus::kRejected && !cut_short)) {
    return base::RunOutcome{.status = status};
  }
  if (done = print_top(cache.view(), *options.top, *output); !done) return end_of(done, status);
  if (cut_short) {
    context.diagnostics.warning("the input was cut short: these are the first users so far");
  }
  return base::RunOutcome{status, cut_short};
}

}  // namespace

base::Result<base::RunOutcome> run_command(const CacheOptions& options,
                                           const base::RunContext& context) {
  if (base::Result<void> good = check_options(options); !good) return base::fail(good.error());
  return options.connect ? ask(options, context) : serve_or_list(options, context);
}

}  // namespace paystats::cache
