// Whether the brokers answer, told to the user: once when they stop answering, then every ten
// seconds, and once when they are back. Code that waits for them calls check() at least each
// second.
//
//   watch.reason("Connect to ... failed");        // of one connection: shown with the next message
//   watch.unreachable("1/1 brokers are down");    // from a callback or a failed request
//   if (Result<void> patient = watch.check(); !patient) return patient;   // --broker-timeout
//   watch.reachable();
//   watch.give_up({"no thread for a broker"});    // check() fails from now on
//
// Thread-safe: all clients of a run share one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/mutex.h"
#include "base/result.h"

namespace paystats::kafka {

class BrokerWatch {
 public:
  static constexpr base::Duration kRepeat = std::chrono::seconds(10);

  // Without a time-out check() never fails. `diagnostics` and `clock` are borrowed.
  BrokerWatch(std::string brokers, std::optional<base::Duration> timeout,
              base::Diagnostics& diagnostics, const base::Clock& clock);

  // Why a connection has failed: says more than what unreachable() is told, and is shown in its
  // place.
  void reason(std::string_view why);
  void unreachable(std::string_view why);
  void reachable();
  bool away() const;
  std::optional<base::Duration> timeout() const { return timeout_; }

  // Waiting is of no use: this process cannot have what a connection needs. The first error stays.
  void give_up(base::Error error);
  // The same where no broker has ever answered. A process that has worked goes on waiting: what it
  // is short of may come back, and it has more to do than this.
  void give_up_at_start(base::Error error);

  // Repeats the message when it is due; fails when the brokers have been away for the time-out, or
  // waiting is of no use.
  base::Result<void> check();

 private:
  const std::string& shown() const PAYSTATS_REQUIRES(mutex_);

  const std::string brokers_;
  const std::optional<base::Duration> timeout_;
  base::Diagnostics& diagnostics_;
  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::optional<base::Instant> since_ PAYSTATS_GUARDED_BY(mutex_);
  base::Instant next_message_ PAYSTATS_GUARDED_BY(mutex_){};
  std::string why_ PAYSTATS_GUARDED_BY(mutex_);
  std::string reason_ PAYSTATS_GUARDED_BY(mutex_);
  bool answered_ PAYSTATS_GUARDED_BY(mutex_) = false;  // once
  std::optional<base::Error> given_up_ PAYSTATS_GUARDED_BY(mutex_);
};

}  // namespace paystats::kafka
