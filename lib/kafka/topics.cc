#include "kafka/topics.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "kafka/admin.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kLeaderWait = std::chrono::milliseconds(50);
constexpr base::Duration kGrownGrace = std::chrono::seconds(2);

using RdNewTopic = std::unique_ptr<rd_kafka_NewTopic_t, RdDeleter<rd_kafka_NewTopic_destroy>>;
using RdConfigResource =
    std::unique_ptr<rd_kafka_ConfigResource_t, RdDeleter<rd_kafka_ConfigResource_destroy>>;

// Its partitions, once each of them has a leader; 0: there is no such topic.
base::Result<int32_t> partitions_of(Client& admin, const std::string& topic) {
  int32_t partitions = 0;
  base::Result<void> done = admin.request(topic_label(topic), [&](int timeout_ms) {
    const rd_kafka_metadata_t* raw = nullptr;
    const rd_kafka_resp_err_t asked =
        rd_kafka_metadata(admin.rk(), 0, admin.topic(topic), &raw, timeout_ms);
    if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) return asked;
    const RdMetadata metadata(raw);
    if (metadata->topic_cnt != 1) return RD_KAFKA_RESP_ERR__WAIT_CACHE;
    const rd_kafka_metadata_topic_t& found = metadata->topics[0];
    if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      partitions = 0;
      return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return found.err;
    for (int i = 0; i < found.partition_cnt; ++i) {
      if (found.partitions[i].leader < 0) return RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    }
    partitions = found.partition_cnt;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  });
  if (!done) return base::fail(done.error());
  return partitions;
}

base::Result<void> create(Client& admin, const TopicWish& wish) {
  std::array<char, 256> why{};
  // -1: as the broker has it.
  const RdNewTopic topic(rd_kafka_NewTopic_new(wish.name.c_str(), wish.partitions.value_or(-1), -1,
                                               why.data(), why.size()));
  if (!topic) return base::fail(fmt::format("{}: {}", topic_label(wish.name), why.data()));
  for (const auto& [name, value] : wish.settings) {
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  }
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  base::Result<RdEvent> answer =
      ask_admin(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, topic_label(wish.name),
                [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                  rd_kafka_CreateTopics(admin.rk(), topics, 1, options, queue);
                });
  if (!answer) return base::fail(answer.error());
  size_t count = 0;
  const rd_kafka_topic_result_t* const* results = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(answer->get()), &count);
  const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
  // Another tool of the pipeline may have been quicker.
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    return {};
  }
  return base::fail(fmt::format("{}: could not be made: {}", topic_label(wish.name),
                                rd_kafka_topic_result_error_string(results[0])));
}

}  // namespace

base::Result<int32_t> require_topic(Cluster& cluster, const TopicWish& wish,
                                    base::Instant deadline) {
  base::Result<std::unique_ptr<Client>> admin = open_admin(cluster, deadline);
  if (!admin) return base::fail(admin.error());
  bool made = false;
  for (;;) {
    base::Result<int32_t> partitions = partitions_of(**admin, wish.name);
    if (!partitions || *partitions > 0) return partitions;
    if (!cluster.create_topics()) {
      return base::fail(fmt::format("{}: there is no such topic; --create-topics makes it",
                                    topic_label(wish.name)));
    }
    // Once it is made, the brokers take a moment until all of them know it.
    if (!made) {
      if (base::Result<void> created = create(**admin, wish); !created)
        return base::fail(created.error());
      cluster.context().diagnostics.detail(topic_label(wish.name) + ": made");
      made = true;
      continue;
    }
    if (cluster.stop().requested()) {
      return base::fail("a signal came while a topic was made", base::ErrorKind::kInterrupted);
    }
    if (cluster.context().clock.now() >= deadline) {
      return base::fail(topic_label(wish.name) + ": made, but not there in time");
    }
    rd_kafka_poll((*admin)->rk(), milliseconds(kLeaderWait));
  }
}

base::Result<std::optional<int32_t>> find_topic(Cluster& cluster, const std::string& name,
                                                base::Instant deadline) {
  base::Result<std::unique_ptr<Client>> admin = open_admin(cluster, deadline);
  if (!admin) return base::fail(admin.error());
  const base::Result<int32_t> partitions = partitions_of(**admin, name);
  if (!partitions) return base::fail(partitions.error());
  return *partitions > 0 ? std::optional<int32_t>(*partitions) : std::nullopt;
}

base::Result<void> check_as_many(const Cluster& cluster, const TopicSize& one,
                                 const TopicSize& other, std::string_view why) {
  if (one.partitions == other.partitions) return {};
  const bool one_is_less = one.partitions < other.partitions;
  const TopicSize& less = one_is_less ? one : other;
  const TopicSize& more = one_is_less ? other : one;
  return base::fail(
      fmt::format("{} has {} partitions and {} has {}: they must be as many, since {}; grow {} by "
                  "kafka-topics.sh {} --alter --topic {} --partitions {}",
                  topic_label(one.name), one.partitions, topic_label(other.name), other.partitions,
                  why, topic_label(less.name), cluster.tool_options(), less.name, more.partitions));
}

base::Result<void> check_grown(Cluster& cluster, const std::string& input,
                               const std::string& output, std::string_view why) {
  base::Result<std::unique_ptr<Client>> admin = open_admin(cluster);
  if (!admin) return base::fail(admin.error());
  const base::Instant until = cluster.context().clock.now() + kGrownGrace;
  for (;;) {
    const base::Result<int32_t> wanted = partitions_of(**admin, input);
    if (!wanted) return base::fail(wanted.error());
    const base::Result<int32_t> found = partitions_of(**admin, output);
    if (!found) return base::fail(found.error());
    if (*found >= *wanted) return {};
    if (cluster.context().clock.now() >= until) {
      if (*found == 0) {
        return base::fail(
            topic_label(output) +
            ": there is no such topic any more; the next start says how it is made, or "
            "makes it with --create-topics");
      }
      return check_as_many(cluster, {input, *wanted}, {output, *found}, why);
    }
    if (base::Result<void> patient = cluster.check_patience(); !patient) return patient;
    rd_kafka_poll((*admin)->rk(), milliseconds(kLeaderWait));
  }
}

base::Result<std::string> cluster_id(Cluster& cluster) {
  base::Result<std::unique_ptr<Client>> admin = open_admin(cluster);
  if (!admin) return base::fail(admin.error());
  base::Result<void> answered = (*admin)->request("kafka: cluster id", [&](int timeout_ms) {
    const rd_kafka_metadata_t* raw = nullptr;
    const rd_kafka_resp_err_t asked =
        rd_kafka_metadata((*admin)->rk(), 0, nullptr, &raw, timeout_ms);
    if (asked == RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_metadata_destroy(raw);
    return asked;
  });
  if (!answered) return base::fail(answered.error());
  // It has come with the metadata, if there is one.
  char* const raw = rd_kafka_clusterid((*admin)->rk(), 0);
  std::string id = raw == nullptr ? "" : raw;
  if (raw != nullptr) rd_kafka_mem_free((*admin)->rk(), raw);
  return id;
}

base::Result<std::optional<TopicSettings>> topic_settings(Cluster& cluster,
                                                          const std::string& topic,
                                                          base::Instant deadline) {
  base::Result<std::unique_ptr<Client>> admin = open_admin(cluster, deadline);
  if (!admin) return base::fail(admin.error());
  const RdConfigResource resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  rd_kafka_ConfigResource_t* resources[] = {resource.get()};
  base::Result<RdEvent> answer =
      ask_admin(**admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, topic_label(topic),
                [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                  rd_kafka_DescribeConfigs((*admin)->rk(), resources, 1, options, queue);
                });
  if (!answer) return base::fail(answer.error());
  size_t count = 0;
  const rd_kafka_ConfigResource_t* const* found = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(answer->get()), &count);
  const rd_kafka_resp_err_t error =
      count == 1 ? rd_kafka_ConfigResource_error(found[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
  if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
      error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
    cluster.context().diagnostics.warning(fmt::format(
        "{}: its settings may not be read, so nobody has checked them", topic_label(topic)));
    return std::optional<TopicSettings>();
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return base::fail(fmt::format("{}: {}", topic_label(topic), rd_kafka_err2str(error)));
  }
  size_t entries = 0;
  const rd_kafka_ConfigEntry_t* const* const entry =
      rd_kafka_ConfigResource_configs(found[0], &entries);
  TopicSettings settings;
  for (size_t i = 0; i < entries; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entry[i]);
    if (value != nullptr) settings.emplace(rd_kafka_ConfigEntry_name(entry[i]), value);
  }
  return std::optional<TopicSettings>(std::move(settings));
}

}  // namespace paystats::kafka
