// Whether the brokers answer, told to the user: once when they stop to, then every ten seconds, and
// once when they are back. Code that waits for them calls check() at least each second.
//
//   watch.unreachable("Connect to ... failed");   // from a callback or a failed request
//   if (Result<void> patient = watch.check(); !patient) return patient;   // --broker-timeout
//   watch.reachable();
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

  void unreachable(std::string_view why);
  void reachable();
  bool away() const;

  // Repeats the message when it is due; fails when the brokers have been away for the time-out.
  base::Result<void> check();

 private:
  const std::string brokers_;
  const std::optional<base::Duration> timeout_;
  base::Diagnostics& diagnostics_;
  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::optional<base::Instant> since_ PAYSTATS_GUARDED_BY(mutex_);
  base::Instant next_message_ PAYSTATS_GUARDED_BY(mutex_){};
  std::string why_ PAYSTATS_GUARDED_BY(mutex_);
};

}  // namespace paystats::kafka
