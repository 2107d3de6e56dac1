#include "topics/requirements.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "kafka/topics.h"

namespace paystats::topics {
namespace {

// Nothing where the broker does not say.
base::Result<std::optional<std::string>> cleanup_policy(kafka::Cluster& cluster,
                                                        const std::string& topic,
                                                        base::Instant deadline) {
  const base::Result<std::optional<kafka::TopicSettings>> settings =
      kafka::topic_settings(cluster, topic, deadline);
  if (!settings) return base::fail(settings.error());
  if (!*settings) return std::optional<std::string>();
  const auto policy = (*settings)->find("cleanup.policy");
  if (policy == (*settings)->end()) return std::optional<std::string>();
  return std::optional<std::string>(policy->second);
}

base::Result<void> check_policies(kafka::Cluster& cluster, const TopicNames& topics,
                                  base::Instant deadline) {
  const base::Result<std::optional<std::string>> payments =
      cleanup_policy(cluster, topics.payments, deadline);
  if (!payments) return base::fail(payments.error());
  if (*payments && (*payments)->find("compact") != std::string::npos) {
    return base::fail(
        fmt::format("kafka:{}: cleanup.policy is {}: compaction removes all payments of a user but "
                    "the last, and what it has removed is lost; "
                    "kafka-configs.sh {} --alter --topic {} "
                    "--add-config cleanup.policy=delete",
                    topics.payments, **payments, cluster.tool_options(), topics.payments));
  }
  const base::Result<std::optional<std::string>> stats =
      cleanup_policy(cluster, topics.stats, deadline);
  if (!stats) return base::fail(stats.error());
  if (*stats && **stats != "compact") {
    return base::fail(fmt::format(
        "kafka:{}: cleanup.policy is {}, and must be compact: with anything else totals are "
        "removed while they are needed; kafka-configs.sh {} --alter --topic {} "
        "--add-config cleanup.policy=compact",
        topics.stats, **stats, cluster.tool_options(), topics.stats));
  }
  return {};
}

}  // namespace

base::Result<int32_t> check_topics(kafka::Cluster& cluster, const TopicNames& topics,
                                   base::Instant deadline) {
  base::Result<int32_t> payments =
      kafka::require_topic(cluster, {.name = topics.payments}, deadline);
  if (!payments) return payments;
  base::Result<int32_t> stats = kafka::require_topic(
      cluster,
      {.name = topics.stats, .partitions = *payments, .settings = {{"cleanup.policy", "compact"}}},
      deadline);
  if (!stats) return stats;
  base::Result<void> as_many = kafka::check_as_many(cluster, {topics.payments, *payments},
                                                    {topics.stats, *stats}, kTotalsGoByNumber);
  if (!as_many) return base::fail(as_many.error());
  if (base::Result<void> good = check_policies(cluster, topics, deadline); !good)
    return base::fail(good.error());
  return payments;
}

base::Result<bool> check_again(kafka::Cluster& cluster, const TopicNames& topics,
                               base::Instant deadline) {
  const base::Clock& clock = cluster.context().clock;
  for (bool twice = false;; twice = true) {
    const base::Result<int32_t> fits = check_topics(cluster, topics, deadline);
    if (fits) return true;
    if (fits.error().kind == base::ErrorKind::kInterrupted) return base::fail(fits.error());
    if (clock.now() >= deadline) return false;
    // Who deletes a topic may do so again at once, and make it again before it is asked for.
    const base::Result<std::optional<int32_t>> found =
        kafka::find_topic(cluster, topics.stats, deadline);
    if (found && !*found) return false;
    if (twice || !found) return base::fail(fits.error());
  }
}

}  // namespace paystats::topics
