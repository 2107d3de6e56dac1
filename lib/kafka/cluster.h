// The Kafka cluster that the command line names: its settings, checked, and whether it answers.
//
//   Result<std::unique_ptr<Cluster>> cluster = Cluster::make(options, context);
//   Result<std::unique_ptr<PaymentSink>> sink = open_topic_payment_sink(**cluster, "payments");
//
// Settings of librdkafka come from four places, the later ones first: what exactness rests on
// (kReserved: refused on the command line), `-X`, the file of `-F`, and our own defaults. All
// waiting for a broker goes by request(): with patience, and ended by a stop signal.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/run_context.h"
#include "kafka/broker_watch.h"
#include "kafka/options.h"

namespace paystats::kafka {

using KafkaSettings = std::vector<std::pair<std::string, std::string>>;

class Cluster {
 public:
  // Knows every property, or says which one librdkafka does not. Nothing is connected yet. `stop`,
  // which is borrowed, ends all waiting in place of the context's signal: for threads that go on
  // after that.
  static base::Result<std::unique_ptr<Cluster>> make(const KafkaOptions& options,
                                                     const base::RunContext& context,
                                                     const base::Stop* stop = nullptr);

  const std::string& brokers() const { return brokers_; }
  const KafkaSettings& settings() const { return settings_; }  // the user's
  // What Kafka's own tools need to reach it, for the commands that messages name: words of a shell.
  // "--bootstrap-server kafka:9092", and "--command-config FILE" where the cluster is secured.
  std::string tool_options() const;
  bool create_topics() const { return create_topics_; }
  const base::RunContext& context() const { return context_; }
  const base::Stop& stop() const { return stop_; }  // that ends all waiting
  BrokerWatch& watch() { return watch_; }

  // For loops that wait for a broker: kInterrupted so long after a stop signal, an error after
  // --broker-timeout.
  base::Result<void> check_patience(base::Duration grace_after_stop = {});

 private:
  Cluster(std::string brokers, KafkaSettings settings, const KafkaOptions& options,
          const base::RunContext& context, const base::Stop& stop);

  const std::string brokers_;
  const KafkaSettings settings_;
  const bool create_topics_;
  const base::RunContext context_;
  const base::Stop& stop_;
  BrokerWatch watch_;
  base::Mutex mutex_;
  std::optional<base::Instant> stopped_ PAYSTATS_GUARDED_BY(mutex_);  // when the signal came
};

}  // namespace paystats::kafka
