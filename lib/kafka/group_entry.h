// How a member comes into its consumer group without an avoidable wait.
//
// A member joins in two requests: JoinGroup, and SyncGroup for the partitions. Where another member
// joins between the two, the second one fails, and librdkafka joins again when its last JoinGroup
// is a second old and it happens to wake up, while all others wait for it. Members that start
// together meet this every other time. To subscribe anew is to join at once. That is done for a
// member that has been admitted (JoinGroup gives it an id) and is not given its partitions soon
// after, once, and within that second only: later on, members may well wait for one that is
// finishing its work. Only for the files of this room.
//
//   GroupEntry entry(*client, "g", "payments");
//   Result<void> found = entry.find_coordinator();
//   Result<void> asked = entry.subscribe();
//   while (!assigned) wait_until(entry.look(clock.now()));
//   entry.done();
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/client.h"

namespace paystats::kafka {

// What the client's group has committed of these partitions. A refusal is told as that, and does
// not show as a coordinator that nobody answers for. REQUIRES: a consumer that has not subscribed
// yet.
rd_kafka_resp_err_t ask_outside(Client& client, rd_kafka_topic_partition_list_t& offsets,
                                int timeout_ms);

// The same, for nothing but that the coordinator answers, and is found.
rd_kafka_resp_err_t ask_coordinator(Client& client, const std::string& topic, int timeout_ms);

// The id that the group has given to this member; empty: none.
std::string member_id_of(Client& member);

class GroupEntry {
 public:
  // `client` is borrowed: a member of `group`.
  GroupEntry(Client& client, std::string group, std::string topic);

  // Members that join at the same moment become one generation of the group at best if none of them
  // has to look for its coordinator first. Waits for brokers.
  base::Result<void> find_coordinator();

  // Asks for membership. Does not wait.
  base::Result<void> subscribe();

  // Subscribes anew if the member has been left waiting. Returns when to look again.
  base::Instant look(base::Instant now);

  // The member has heard of its partitions.
  void done() { waiting_ = false; }

 private:
  Client& client_;
  const std::string group_;
  const std::string topic_;
  bool waiting_ = false;
  std::optional<base::Instant> asked_;     // since when the entry is looked at
  std::optional<base::Instant> admitted_;  // seen to be
};

}  // namespace paystats::kafka
