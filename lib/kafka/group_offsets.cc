#include "kafka/group_offsets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "kafka/client.h"
#include "kafka/ends.h"
#include "kafka/group_entry.h"
#include "kafka/producer.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kClaimTimeout = std::chrono::seconds(3);
constexpr base::Duration kLookTimeout = std::chrono::seconds(1);
constexpr base::Duration kStopGrace = std::chrono::seconds(5);  // for a commit, after a stop signal

OffsetMetadata metadata_of(const rd_kafka_topic_partition_t& offset) {
  if (offset.metadata == nullptr) return {};
  return read_offset_metadata({static_cast<const char*>(offset.metadata), offset.metadata_size});
}

// Not of the stable offsets, which are what is waited for.
base::Result<std::set<std::string>> signers_of(Cluster& cluster, const std::string& group,
                                               const rd_kafka_topic_partition_list_t& partitions) {
  const base::Result<std::unique_ptr<Client>> client =
      Client::open_uncommitted(cluster, {{"group.id", group}});
  if (!client) return base::fail(client.error());
  const RdPartitions committed(rd_kafka_topic_partition_list_copy(&partitions));
  base::Result<void> asked = (*client)->request("kafka: group " + group, [&](int timeout_ms) {
    return ask_outside(**client, *committed, timeout_ms);
  });
  if (!asked) return base::fail(asked.error());
  std::set<std::string> signers;
  for (int i = 0; i < committed->cnt; ++i) {
    std::string signer = metadata_of(committed->elems[i]).transactional_id;
    if (signer.starts_with(transactional_id(group, ""))) signers.insert(std::move(signer));
  }
  return signers;
}

// Aborts what is open under each of these ids. Our own may be among them: it is ours again with the
// next transaction.
base::Result<void> end_abandoned(Cluster& cluster, const std::set<std::string>& signers) {
  for (const std::string& signer : signers) {
    cluster.context().diagnostics.detail("kafka: what " + signer + " has left open is ended");
    ProducerOptions options;
    options.transactional_id = signer;
    const base::Result<std::unique_ptr<Producer>> aborter =
        Producer::open(cluster, std::move(options));
    if (!aborter) return base::fail(aborter.error());
  }
  return {};
}

// The committed offsets, as soon as no transaction holds them up.
base::Result<void> ask_committed(Client& client, const GroupMember& member,
                                 rd_kafka_topic_partition_list_t& partitions) {
  const auto ask = [&](int timeout_ms) {
    return rd_kafka_committed(client.rk(), &partitions, timeout_ms);
  };
  bool ended = false;
  base::Result<void> refused;
  const auto settle = [&](int timeout_ms) {
    rd_kafka_resp_err_t error = ask(timeout_ms);
    if (error != RD_KAFKA_RESP_ERR__TIMED_OUT) return error;
    // A member that runs has published before it gave them up. If the coordinator answers other
    // questions, and this one still not, then a member has crashed.
    const base::Result<std::set<std::string>> signers =
        signers_of(client.cluster(), member.group, partitions);
    if (!signers) {
      refused = base::fail(signers.error());
      return RD_KAFKA_RESP_ERR__FAIL;
    }
    error = ask(timeout_ms);
    if (error != RD_KAFKA_RESP_ERR__TIMED_OUT) return error;
    if (!std::exchange(ended, true)) {
      const base::Result<void> done = end_abandoned(client.cluster(), *signers);
      if (!done) client.cluster().context().diagnostics.detail(done.error().message);
      error = ask(timeout_ms);
    }
    return error == RD_KAFKA_RESP_ERR__TIMED_OUT ? RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT : error;
  };
  base::Result<void> asked =
      client.request(topic_label(member.topic) + ": committed offsets", settle);
  return refused ? asked : refused;
}

}  // namespace

RdPartitions list_of(const std::string& topic, std::span<const int32_t> partitions) {
  RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const int32_t partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  }
  return list;
}

RdPartitions list_of(const std::string& topic, std::span<const record::SourceOffset> next) {
  RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(next.size())));
  for (const record::SourceOffset& each : next) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), each.partition)->offset =
        each.offset;
  }
  return list;
}

RdPartitions commit_list(const std::string& topic, std::span<const SignedOffset> next,
                         std::string_view transactional_id) {
  RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(next.size())));
  for (const SignedOffset& each : next) {
    rd_kafka_topic_partition_t& offset =
        *rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), each.partition);
    offset.offset = each.offset;
    const std::string metadata = offset_metadata(transactional_id, each.signature);
    if (metadata.empty()) continue;
    offset.metadata = ::strdup(metadata.c_str());  // librdkafka frees it
    offset.metadata_size = offset.metadata == nullptr ? 0 : metadata.size();
  }
  return list;
}

base::Result<std::vector<PartitionOffsets>> ask_group_offsets(
    Client& client, const GroupMember& member, const rd_kafka_topic_partition_list_t& partitions) {
  std::vector<PartitionOffsets> offsets;
  if (partitions.cnt == 0) return offsets;
  const std::string label = topic_label(member.topic);
  // Under read_committed these are stable: a transaction that is open makes the broker say "again".
  const RdPartitions committed(rd_kafka_topic_partition_list_copy(&partitions));
  base::Result<void> asked = ask_committed(client, member, *committed);
  if (!asked) return base::fail(asked.error());
  std::vector<int32_t> numbers;
  numbers.reserve(static_cast<size_t>(committed->cnt));
  for (int i = 0; i < committed->cnt; ++i) numbers.push_back(committed->elems[i].partition);
  const base::Result<std::vector<PartitionEnds>> ends =
      ends_of_partitions(client.cluster(), member.topic, numbers);
  if (!ends) return base::fail(ends.error());
  for (int i = 0; i < committed->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = committed->elems[i];
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return base::fail(fmt::format(
          "{}: committed offset of partition {}: {}", label, each.partition,
          refusal(each.err, {.right = "Read", .topic = member.topic, .group = member.group})));
    }
    const PartitionEnds& at = (*ends)[static_cast<size_t>(i)];
    PartitionOffsets found{.partition = each.partition, .low = at.low, .high = at.high};
    if (each.offset >= 0) {
      found.committed = each.offset;
      OffsetMetadata metadata = metadata_of(each);
      found.signature = std::move(metadata.signature);
      found.transactional_id = std::move(metadata.transactional_id);
    }
    offsets.push_back(std::move(found));
  }
  return offsets;
}

std::vector<SignedOffset> look_at_group_offsets(Cluster& cluster, const GroupMember& member,
                                                const rd_kafka_topic_partition_list_t& partitions) {
  std::vector<SignedOffset> offsets;
  if (partitions.cnt == 0) return offsets;
  const base::Result<std::unique_ptr<Client>> client =
      Client::open_uncommitted(cluster, {{"group.id", member.group}});
  if (!client) return offsets;
  const RdPartitions committed(rd_kafka_topic_partition_list_copy(&partitions));
  if (ask_outside(**client, *committed, milliseconds(kLookTimeout)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return offsets;
  }
  for (int i = 0; i < committed->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = committed->elems[i];
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR || each.offset < 0) continue;
    offsets.push_back({each.partition, each.offset, metadata_of(each).signature});
  }
  return offsets;
}

std::vector<SignedOffset> offsets_to_claim(std::span<const PartitionOffsets> found,
                                           std::span<const SignedOffset> starts,
                                           std::string_view transactional_id) {
  std::vector<SignedOffset> claimed;
  for (const PartitionOffsets& each : found) {
    if (each.transactional_id == transactional_id) continue;
    const auto start = std::ranges::find(starts, each.partition, &SignedOffset::partition);
    if (start == starts.end()) continue;
    if (each.committed && *each.committed >= start->offset) {
      claimed.push_back({each.partition, *each.committed, each.signature});
    } else if (each.committed || !start->signature || start->signature->table.users == 0) {
      claimed.push_back(*start);
    }
  }
  return claimed;
}

base::Result<void> claim_group_offsets(Client& client, const std::string& topic,
                                       std::span<const PartitionOffsets> found,
                                       std::span<const SignedOffset> starts,
                                       std::string_view transactional_id) {
  const std::vector<SignedOffset> claimed = offsets_to_claim(found, starts, transactional_id);
  if (claimed.empty()) return {};
  const RdPartitions list = commit_list(topic, claimed, transactional_id);
  const base::Result<rd_kafka_resp_err_t> answer = client.commit(*list, {}, kClaimTimeout);
  if (!answer) return base::fail(answer.error());
  if (*answer != RD_KAFKA_RESP_ERR_NO_ERROR) {
    client.cluster().context().diagnostics.detail(
        fmt::format("kafka: commit: {}", rd_kafka_err2str(*answer)));
  }
  return {};
}

base::Result<bool> commit_group_offsets(Client& client, const std::string& topic,
                                        std::span<const SignedOffset> next,
                                        std::string_view transactional_id,
                                        const std::function<bool()>& may) {
  if (next.empty()) return true;
  const RdPartitions list = commit_list(topic, next, transactional_id);
  Cluster& cluster = client.cluster();
  for (;;) {
    if (!may()) return false;
    const base::Result<rd_kafka_resp_err_t> answer = client.commit(*list, kStopGrace);
    if (!answer) return base::fail(answer.error());
    if (*answer == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    if (refused_by(*answer) != Refused::kNothing) {
      const std::string group = client.setting("group.id");
      return base::fail(
          fmt::format("{}: its offsets cannot be committed: {}", topic_label(topic),
                      refusal(*answer, {.right = "Read", .topic = topic, .group = group})));
    }
    cluster.context().diagnostics.detail(
        fmt::format("kafka: commit: {}", rd_kafka_err2str(*answer)));
    if (!is_about_reach(*answer)) return false;
    client.probe_brokers();
    if (base::Result<void> patient = cluster.check_patience(kStopGrace); !patient) {
      return base::fail(patient.error());
    }
  }
}

}  // namespace paystats::kafka
