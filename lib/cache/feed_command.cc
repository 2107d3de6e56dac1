#include "cache/feed_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "io/stream_source.h"

namespace paystats::cache {
namespace {

constexpr int kStatusOfSignal = 128;  // as a shell has it

std::string name_of(int signal_number) {
  const char* const name = ::sigabbrev_np(signal_number);
  return name == nullptr ? fmt::format("signal {}", signal_number) : fmt::format("SIG{}", name);
}

}  // namespace

base::Result<FeedCommand> FeedCommand::make(std::vector<std::string> words,
                                            const base::Clock& clock) {
  assert(!words.empty());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::fail(base::system_error("pipe", errno));
  return FeedCommand(std::move(words), clock, base::UniqueFd(ends[0]), base::UniqueFd(ends[1]));
}

std::unique_ptr<io::Source> FeedCommand::source(const io::Waiter& waiter) const {
  return io::stream_source(output_.get(), base::UniqueFd(), words_[0], io::OnStop::kReadToItsEnd,
                           waiter);
}

base::Result<void> FeedCommand::start() {
  base::Result<base::ChildProcess> process = base::ChildProcess::start(words_, std::move(input_));
  if (!process) return base::fail("--run: " + process.error().message);
  process_.emplace(std::move(*process));
  return {};
}

void FeedCommand::tell(int signal_number) {
  if (!process_ || told_) return;
  told_ = clock_.now();
  process_->send(signal_number);
}

void FeedCommand::wait_for_end(const base::RunContext& context) {
  const io::Waiter waiter(context.stop, context.clock);
  for (;;) {
    if (context.stop.requested()) tell(context.stop.number());
    const base::Result<io::Wake> wake =
        told_ ? waiter.wait_readable_despite_stop(process_->fd(), *told_ + kEndMax)
              : waiter.wait_readable(process_->fd(), io::kForever);
    if (wake && *wake == io::Wake::kStop) continue;
    if (wake && *wake == io::Wake::kReady) return;
    context.diagnostics.warning(fmt::format("{} has not ended within {} s of the signal: killed",
                                            words_[0], kEndMax / std::chrono::seconds(1)));
    process_->send(SIGKILL);
    return;
  }
}

base::ExitStatus FeedCommand::finish(const base::RunContext& context) {
  assert(process_);
  output_.reset();  // a command that would go on writing notices
  wait_for_end(context);
  const base::ChildEnd end = process_->wait();
  process_.reset();
  if (end.signal != 0) {
    if (told_) return base::ExitStatus::kDone;
    context.diagnostics.error(fmt::format("{} was killed by {}", words_[0], name_of(end.signal)));
    return static_cast<base::ExitStatus>(kStatusOfSignal + end.signal);
  }
  const auto status = static_cast<base::ExitStatus>(end.status);
  if (status != base::ExitStatus::kDone && status != base::ExitStatus::kRejected) {
    context.diagnostics.error(fmt::format("{} ended with status {}", words_[0], end.status));
  }
  return status;
}

}  // namespace paystats::cache
