// What a group has committed of some partitions, next to what is there: all that a member must know
// of them when they are assigned to it.
//
// Offsets that an open transaction holds up are waited for. Where its producer has crashed and does
// not come back, the broker aborts that transaction only some time after its time-out. So a member
// that commits offsets in a transaction attaches its transactional id, as the first line of their
// metadata (see offset_signature.h), and the new owner that finds them held up initializes a
// producer of that id once: this aborts what is open under it, and fences a process that still runs
// with it. Only for the files of this room.
// Tested through kafka/group_consumer.h, and in tests/kafka/payagg.bats.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kafka/client.h"
#include "kafka/group_consumer.h"
#include "kafka/offset_signature.h"
#include "kafka/rd.h"
#include "record/payment.h"

namespace paystats::kafka {

struct GroupMember {
  const std::string& group;
  const std::string& topic;  // that it reads
};

// Of the client of a member. Waits for brokers.
base::Result<std::vector<PartitionOffsets>> ask_group_offsets(
    Client& client, const GroupMember& member, const rd_kafka_topic_partition_list_t& partitions);

// What members of the group have committed last, also in a transaction that is open. Nothing where
// brokers do not answer within a second.
std::vector<SignedOffset> look_at_group_offsets(Cluster& cluster, const GroupMember& member,
                                                const rd_kafka_topic_partition_list_t& partitions);

// Commits offsets by themselves; `transactional_id` is empty where there are no transactions.
// False: this member may not any more, which `may` knows first.
base::Result<bool> commit_group_offsets(Client& client, const std::string& topic,
                                        std::span<const SignedOffset> next,
                                        std::string_view transactional_id,
                                        const std::function<bool()>& may);

// What a member that has been given partitions commits before its first transaction, so that its
// transactional id is found: the offsets that are `found` under other ids, as they are, or where
// nothing is committed, or less, what it `starts` with. Where there are totals and no offset it
// leaves that so: an offset of before them would be taken for what has not been read.
std::vector<SignedOffset> offsets_to_claim(std::span<const PartitionOffsets> found,
                                           std::span<const SignedOffset> starts,
                                           std::string_view transactional_id);

// Tries once to commit these. Where it does not come about, as in a group that gives partitions
// away again, or without a coordinator, a transaction of this member is waited for if it crashes.
base::Result<void> claim_group_offsets(Client& client, const std::string& topic,
                                       std::span<const PartitionOffsets> found,
                                       std::span<const SignedOffset> starts,
                                       std::string_view transactional_id);

RdPartitions list_of(const std::string& topic, std::span<const int32_t> partitions);

// For librdkafka, which calls where to read next just an offset.
RdPartitions list_of(const std::string& topic, std::span<const record::SourceOffset> next);

// The same with all that is committed.
RdPartitions commit_list(const std::string& topic, std::span<const SignedOffset> next,
                         std::string_view transactional_id);

}  // namespace paystats::kafka
