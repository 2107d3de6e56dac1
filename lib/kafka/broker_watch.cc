#include "kafka/broker_watch.h"

#include <fmt/format.h>

#include <utility>

namespace paystats::kafka {

BrokerWatch::BrokerWatch(std::string brokers, std::optional<base::Duration> timeout,
                         base::Diagnostics& diagnostics, const base::Clock& clock)
    : brokers_(std::move(brokers)), timeout_(timeout), diagnostics_(diagnostics), clock_(clock) {}

void BrokerWatch::reason(std::string_view why) {
  const base::MutexLock lock(mutex_);
  reason_ = why;
}

const std::string& BrokerWatch::shown() const {
  return reason_.empty() ? why_ : reason_;
}

void BrokerWatch::unreachable(std::string_view why) {
  const base::MutexLock lock(mutex_);
  why_ = why;
  if (since_ || given_up_) return;
  since_ = clock_.now();
  next_message_ = *since_ + kRepeat;
  diagnostics_.warning(fmt::format("no broker at {} answers ({}): waiting", brokers_, shown()));
}

void BrokerWatch::reachable() {
  const base::MutexLock lock(mutex_);
  answered_ = true;
  reason_.clear();
  if (!since_) return;
  diagnostics_.warning(fmt::format("the brokers at {} answer again, after {} s", brokers_,
                                   base::whole_seconds(clock_.now() - *since_)));
  since_.reset();
}

bool BrokerWatch::away() const {
  const base::MutexLock lock(mutex_);
  return since_.has_value();
}

void BrokerWatch::give_up(base::Error error) {
  const base::MutexLock lock(mutex_);
  if (!given_up_) given_up_ = std::move(error);
}

void BrokerWatch::give_up_at_start(base::Error error) {
  const base::MutexLock lock(mutex_);
  if (!given_up_ && !answered_) given_up_ = std::move(error);
}

base::Result<void> BrokerWatch::check() {
  const base::MutexLock lock(mutex_);
  if (given_up_) return base::fail(*given_up_);
  if (!since_) return {};
  const base::Instant now = clock_.now();
  if (timeout_ && now - *since_ >= *timeout_) {
    return base::fail(
        fmt::format("no broker at {} answered within {} ms ({}); see --broker-timeout", brokers_,
                    std::chrono::floor<std::chrono::milliseconds>(*timeout_).count(), shown()));
  }
  if (now >= next_message_) {
    next_message_ = now + kRepeat;
    diagnostics_.warning(fmt::format("still no broker at {} ({}), after {} s", brokers_, shown(),
                                     base::whole_seconds(now - *since_)));
  }
  return {};
}

}  // namespace paystats::kafka
