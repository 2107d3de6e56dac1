// A member of a consumer group that reads one topic, exactly: where each partition begins is said
// by the owner of what was learned from it, and offsets are committed with what follows from them.
//
//   Result<std::unique_ptr<GroupConsumer>> consumer =
//       GroupConsumer::open(cluster, options, owner, waiter);
//   Result<void> joined = (*consumer)->join();
//   Result<ReadStatus> status = (*consumer)->read(block, clock.now());
//
// The owner hears of a partition before its first message and after its last one. That happens
// within read(), between two blocks, never in the middle of one: librdkafka's rebalance callback
// only notes what is to be done. Membership is static (KIP-345): a restart under the same name
// takes its partitions back without a rebalance, and of two under one name the older is fenced. One
// thread, but for wake().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/message_source.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/ends.h"
#include "kafka/offset_signature.h"

namespace paystats::kafka {

struct GroupConsumerOptions {
  std::string topic;
  std::string group;
  std::string instance;             // the member's static name
  std::string when_made_anew = {};  // what messages say is to be done then
  // Whether the member commits in transactions, under its transactional_id(), see below. It commits
  // that id with the offsets of each partition before its first transaction, so that the next owner
  // of the partition can end a transaction that was left open.
  bool in_transactions = false;
  // Whether, of two processes that have this name, the one that loses it ends at once; false: a
  // name of the same processes does that, and this member waits for it (see static_names.h).
  bool name_decides = true;
  size_t block_messages = 1024;
  // A member that has crashed keeps its partitions this long, unless it is back sooner. (The user's
  // session.timeout.ms comes first.)
  base::Duration session_timeout = std::chrono::seconds(10);
};

// Of a member that commits in transactions.
std::string transactional_id(const std::string& group, const std::string& instance);

// Offsets of one partition, as the broker knows them.
struct PartitionOffsets {
  int32_t partition = 0;
  int64_t low = 0;                        // the first that is there
  int64_t high = 0;                       // behind the last, committed or not
  std::optional<int64_t> committed = {};  // of the group
  // Of the committed offset, if it has them.
  std::optional<OffsetSignature> signature = {};
  std::string transactional_id = {};
};

class PartitionOwner {
 public:
  virtual ~PartitionOwner() = default;

  // Prepares for these partitions and says where each is to be read from, and what is committed
  // there where nothing is yet. An error ends reading.
  virtual base::Result<std::vector<SignedOffset>> on_assigned(
      std::span<const PartitionOffsets> partitions) = 0;
  // They are taken away; `lost`: they have been another's for a while, so that nothing may be
  // committed for them any more.
  virtual base::Result<void> on_revoked(bool lost) = 0;
  // The next message of a partition, at `wanted`, is not there where it was to be read. True: go on
  // there or, where that is later, at the first one that is.
  virtual base::Result<bool> on_gone(int64_t wanted, const PartitionEnds& ends) = 0;
};

class GroupConsumer {
 public:
  // `cluster`, `owner` and `waiter` are borrowed. Waits for the group's coordinator.
  static base::Result<std::unique_ptr<GroupConsumer>> open(Cluster& cluster,
                                                           const GroupConsumerOptions& options,
                                                           PartitionOwner& owner,
                                                           const io::Waiter& waiter);
  virtual ~GroupConsumer() = default;

  // Asks for membership, and returns: of partitions the owner hears in read(). REQUIRES: once.
  virtual base::Result<void> join() = 0;

  // As MessageSource::read(); kEnd after a stop signal. A block may be empty. A member that is told
  // that another has taken its name looks here, for a session and a little, whether that one runs.
  virtual base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant deadline) = 0;

  // Makes a read() that waits, or the next one that would, return kIdle. For any thread.
  virtual void wake() = 0;

  // Where each partition that is assigned will be read from next, and what is behind that as far as
  // the client has heard. Where an end is reached `next` is that end, behind the marks of
  // transactions; if `high` is greater then, an open transaction hides what lies between.
  struct Position {
    int32_t partition = 0;
    int64_t next = 0;
    int64_t high = 0;     // the newest high watermark heard of
    bool at_end = false;  // nothing committed is behind it at the moment
  };
  virtual std::vector<Position> positions() const = 0;
  virtual bool assigned() const = 0;

  // Where these partitions begin and end now. Waits for brokers.
  virtual base::Result<std::vector<PartitionEnds>> ask_ends(
      std::span<const int32_t> partitions) = 0;

  // All that on_assigned() is told of these, as it is now. Waits for brokers.
  virtual base::Result<std::vector<PartitionOffsets>> ask_offsets(
      std::span<const int32_t> partitions) = 0;

  // What has been committed last of all partitions that this member does not have, of those too
  // that were added since, and where a transaction is open. Those that brokers do not tell of
  // within a second are left out.
  virtual std::vector<SignedOffset> look_at_others() = 0;

  // Commits offsets without a transaction. False: this member may not any more.
  virtual base::Result<bool> commit(std::span<const SignedOffset> next) = 0;

  virtual const std::string& group() const = 0;  // for any thread

  // For Producer::add_offsets(): the committing member, as of now.
  virtual std::shared_ptr<const void> group_metadata() = 0;

  // Leaves the partitions as they are: a static member's are kept for its return.
  virtual void close() = 0;
};

}  // namespace paystats::kafka
