// Payments into a topic: the key is the user's bytes, so that all of a user's are in one partition
// (chosen as Java's clients do), and the value is the payment's JSON text.
//
//   Result<std::unique_ptr<PaymentSink>> sink = open_topic_payment_sink(cluster, "payments");
//
// Without transactions each payment is a whole of its own, sent once and in order (an idempotent
// producer); put() and commit_lines() send at once, and flush() waits until all have arrived. With
// a transactional id what was put since the last flush() is one transaction: there as a whole, or
// not at all.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "io/payment_sink.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

struct TopicSinkOptions {
  bool transactional = false;
  std::string transactional_id = {};  // REQUIRES: not empty where transactional
  // The coordinator undoes a transaction that takes longer.
  base::Duration transaction_timeout = std::chrono::seconds(10);
  // A transaction that was undone since no broker answered is made again, for as long as the
  // cluster says. Otherwise the caller that put the payments is told.
  bool patient = false;
  // Lines of commit_lines() as well wait for flush(), all in one transaction.
  bool lines_together = false;
  // After a stop signal, for brokers that do not answer.
  base::Duration stop_grace = std::chrono::seconds(5);
};

// The topic must exist, or be made (see require_topic()). Waits for the brokers, and for the end of
// what a killed process with this id has left open.
base::Result<std::unique_ptr<io::PaymentSink>> open_topic_payment_sink(
    Cluster& cluster, const std::string& topic, const TopicSinkOptions& options = {});

}  // namespace paystats::kafka
