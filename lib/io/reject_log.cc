#include "io/reject_log.h"

#include <fmt/format.h>

#include <utility>

#include "record/encoder.h"

namespace paystats::io {
namespace {

// A reader of rejects that has gone is a failure like any other: see the header.
base::Result<void> never_quiet(base::Result<void> result) {
  if (result) return result;
  return base::fail(std::move(result.error().message));
}

}  // namespace

RejectLog::RejectLog(base::Diagnostics& diagnostics, std::unique_ptr<Sink> sink, std::string name)
    : diagnostics_(diagnostics), sink_(std::move(sink)), name_(std::move(name)) {}

base::Result<std::unique_ptr<RejectLog>> RejectLog::open(const std::optional<Endpoint>& endpoint,
                                                         base::Diagnostics& diagnostics) {
  if (!endpoint) return std::make_unique<RejectLog>(diagnostics);
  base::Result<std::unique_ptr<Sink>> sink = open_sink(*endpoint, FileMode::kAppend);
  if (!sink) return base::fail(sink.error());
  return std::make_unique<RejectLog>(diagnostics, std::move(*sink), endpoint->name);
}

base::Result<void> RejectLog::add(const record::Reject& reject) {
  const base::MutexLock lock(mutex_);
  if (repeats_ > 0) {
    --repeats_;
    return {};
  }
  ++count_;
  if (sink_) {
    line_.clear();
    record::append_reject(line_, reject);
    return never_quiet(sink_->write(line_));
  }
  if (count_ <= kShownMax) {
    diagnostics_.error(fmt::format("{}: {}", place_of(reject), reject.error));
  }
  return {};
}

base::Result<void> RejectLog::flush() {
  const base::MutexLock lock(mutex_);
  return sink_ ? never_quiet(sink_->flush()) : base::Result<void>();
}

void RejectLog::start_over() {
  const base::MutexLock lock(mutex_);
  repeats_ = count_;
}

void RejectLog::notice(Notice kind, const std::string& text) {
  const base::MutexLock lock(mutex_);
  if (std::exchange(noticed_.at(static_cast<size_t>(kind)), true)) return;
  diagnostics_.warning(text);
}

base::Result<void> RejectLog::finish() {
  const base::MutexLock lock(mutex_);
  if (sink_) {
    if (base::Result<void> closed = never_quiet(sink_->close()); !closed) return closed;
  }
  if (count_ == 0) return {};
  const char* records = count_ == 1 ? "record" : "records";
  if (sink_) {
    diagnostics_.warning(fmt::format("{} {} rejected: see {}", count_, records, name_));
  } else if (count_ > kShownMax) {
    diagnostics_.error(
        fmt::format("{} {} rejected, the first {} are shown", count_, records, kShownMax));
  } else {
    diagnostics_.error(fmt::format("{} {} rejected", count_, records));
  }
  return {};
}

uint64_t RejectLog::count() const {
  const base::MutexLock lock(mutex_);
  return count_;
}

std::string place_of(const record::Reject& reject) {
  if (reject.at) {
    return fmt::format("{}: partition {}, offset {}", reject.source, reject.at->partition,
                       reject.at->offset);
  }
  return fmt::format("{}:{}", reject.source, reject.line);
}

}  // namespace paystats::io
