// The command of --run: a child process whose output is the input of the cache, and whose end is
// that of the tool.
//
//   Result<FeedCommand> feed = FeedCommand::make({"payagg", "--follow", "log"}, context.clock);
//   if (!feed) return fail(feed.error());
//   const std::unique_ptr<Source> source = feed->source(waiter);
//   if (Result<void> started = feed->start(); !started) return fail(started.error());
//   ...  // the source is read to its end; a stop signal meanwhile:
//   feed->tell(context.stop.number());
//   const ExitStatus status = feed->finish(context);
//
// The process is started after all else is open, and from the main thread: it is killed when the
// thread that started it ends (see base/child_process.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/exit_status.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/run_context.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::cache {

class FeedCommand {
 public:
  static constexpr base::Duration kEndMax = std::chrono::seconds(5);  // from a signal to SIGKILL

  static base::Result<FeedCommand> make(std::vector<std::string> words, const base::Clock& clock);

  // What the command writes; messages and rejects call it by the command's first word. After a stop
  // signal it is read to its end, for kEndMax at most. Borrows this.
  std::unique_ptr<io::Source> source(const io::Waiter& waiter) const;

  // Call once. The error names the command.
  base::Result<void> start();

  // Sends the signal to the process, where that runs and has not been sent one before.
  void tell(int signal_number);

  // Waits for its end, and gives what the tool is to end with: the status of the command; 128 and
  // the number of the signal that has killed it; but 0 where that was a signal sent by tell(). A
  // status that is neither 0 nor 1 is an error message. A stop signal that comes meanwhile is
  // passed on. REQUIRES: start() has succeeded; nobody reads the source any more.
  base::ExitStatus finish(const base::RunContext& context);

 private:
  FeedCommand(std::vector<std::string> words, const base::Clock& clock, base::UniqueFd output,
              base::UniqueFd input)
      : words_(std::move(words)),
        clock_(clock),
        output_(std::move(output)),
        input_(std::move(input)) {}

  void wait_for_end(const base::RunContext& context);

  const std::vector<std::string> words_;
  const base::Clock& clock_;
  base::UniqueFd output_;
  base::UniqueFd input_;  // until start(): the command's end of the pipe
  std::optional<base::ChildProcess> process_;
  std::optional<base::Instant> told_;
};

}  // namespace paystats::cache
