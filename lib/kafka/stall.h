// A request that brokers answer, and do not grant yet: a leader or a coordinator has moved, or is
// being elected. Said once it has lasted, then every ten seconds, and once when it is over. That no
// broker answers at all is BrokerWatch's to say. Only for the files of this room.
// Tested through kafka/client.h.
//
//   Stall stall(cluster, "kafka:payments: offsets");
//   if (Result<void> patient = stall.go_on(error); !patient) return patient;   // --broker-timeout
//   stall.over();
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/rd.h"

namespace paystats::kafka {

class Stall {
 public:
  static constexpr base::Duration kQuiet = std::chrono::seconds(2);  // most are over sooner
  static constexpr base::Duration kRepeat = std::chrono::seconds(10);

  // `what` begins each message. `cluster` is borrowed.
  Stall(Cluster& cluster, std::string what) : cluster_(cluster), what_(std::move(what)) {}

  // It has failed once more.
  base::Result<void> go_on(rd_kafka_resp_err_t error);

  // No broker answers now: it begins anew with the next call of go_on().
  void forget() { since_.reset(); }

  void over();

 private:
  Cluster& cluster_;
  const std::string what_;
  std::optional<base::Instant> since_;
  base::Instant next_message_{};
  bool said_ = false;
};

}  // namespace paystats::kafka
