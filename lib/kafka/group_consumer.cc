#include "kafka/group_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <unordered_map>
#include <utility>

#include "kafka/batch.h"
#include "kafka/client.h"
#include "kafka/ends.h"
#include "kafka/fetch_waker.h"
#include "kafka/group_entry.h"
#include "kafka/group_offsets.h"
#include "kafka/rd.h"
#include "kafka/refusals.h"
#include "kafka/static_names.h"
#include "kafka/wake_up.h"

namespace paystats::kafka {
namespace {

// librdkafka is polled at least this often: a member that does not poll counts as crashed.
constexpr base::Duration kLookInterval = std::chrono::seconds(1);

constexpr base::Duration kCountTimeout = std::chrono::milliseconds(500);

ClientSettings settings_of(const GroupConsumerOptions& options) {
  ClientSettings settings;
  settings.defaults = {
      {"session.timeout.ms", std::to_string(milliseconds(options.session_timeout))},
      // A rebalance is heard of with the next heartbeat.
      {"heartbeat.interval.ms", "300"},
      {"fetch.wait.max.ms", "100"},
      // Partitions that are added are seen so soon.
      {"topic.metadata.refresh.interval.ms", "5000"},
      // What is fetched ahead, of a partition and at once: the messages in the queue take about 350
      // bytes each beside their own.
      {"queued.min.messages", "30000"},
      {"fetch.message.max.bytes", "600000"},
      {"queued.max.messages.kbytes", "32768"},
  };
  resume_fetching_soon(settings);
  settings.musts = {
      {"group.id", options.group},           {"group.instance.id", options.instance},
      {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
      {"isolation.level", "read_committed"}, {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},      {"partition.assignment.strategy", "range"},
  };
  return settings;
}

class Member final : public GroupConsumer {
 public:
  Member(Cluster& cluster, GroupConsumerOptions options, PartitionOwner& owner,
         const io::Waiter& waiter)
      : cluster_(cluster),
        options_(std::move(options)),
        owner_(owner),
        waiter_(waiter),
        batch_(options_.block_messages) {}
  ~Member() override { close(); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  base::Result<void> open();

  base::Result<void> join() override { return entry_->subscribe(); }
  void wake() override;
  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant deadline) override;
  std::vector<Position> positions() const override;
  bool assigned() const override { return !next_.empty(); }
  base::Result<std::vector<PartitionEnds>> ask_ends(std::span<const int32_t> partitions) override {
    return ends_of_partitions(cluster_, options_.topic, partitions);
  }
  base::Result<std::vector<PartitionOffsets>> ask_offsets(
      std::span<const int32_t> partitions) override;
  std::vector<SignedOffset> look_at_others() override;
  base::Result<bool> commit(std::span<const SignedOffset> next) override;
  const std::string& group() const override { return options_.group; }
  std::shared_ptr<const void> group_metadata() override;
  void close() final;

 private:
  base::Result<void> open_client();  // anew after close()
  // Empty where there are no transactions.
  std::string own_transactional_id() const {
    return options_.in_transactions ? transactional_id(options_.group, options_.instance) : "";
  }

  struct Held {
    int64_t next = 0;
    bool at_end = false;
  };

  void on_rebalance(rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions);
  base::Result<void> rebalance();
  base::Result<void> assign(const rd_kafka_topic_partition_list_t& partitions);
  base::Result<void> begin_reading();
  bool is_lost() const;
  base::Result<void> join_again();
  bool accept(const rd_kafka_message_t& raw);
  void take_error(const rd_kafka_message_t& raw);
  base::Result<void> resume_after_gap();
  bool look(io::MessageBlock& out);
  static io::ReadStatus idle(io::MessageBlock& out) {
    out = {};
    return io::ReadStatus::kIdle;
  }
  void wake_fetching();
  base::Result<io::Wake> wait(base::Instant deadline);

  Cluster& cluster_;
  const GroupConsumerOptions options_;
  PartitionOwner& owner_;
  const io::Waiter& waiter_;
  WakeUp wake_up_;  // opened once: wake() may come at any time
  std::atomic<bool> woken_ = false;
  std::unique_ptr<Client> client_;
  RdQueue queue_;       // the client's
  MessageBatch batch_;  // in the queue's memory
  // What the callback has noted.
  enum class Pending { kNothing, kAssign, kRevoke };
  Pending pending_ = Pending::kNothing;
  RdPartitions pending_partitions_;
  bool pending_lost_ = false;
  bool fenced_ = false;
  std::string member_id_;                   // that the group has given it partitions under
  std::optional<GroupEntry> entry_;         // of the client, as is
  std::optional<FetchWaker> fetch_waker_;   // this
  std::unordered_map<int32_t, Held> next_;  // of the partitions that are assigned
  std::optional<base::Error> error_;        // found in a block, to be returned after it
  std::optional<int32_t> gone_;             // this partition's next offset is not there any more
};

base::Result<void> Member::open() {
  if (base::Result<void> opened = wake_up_.open(); !opened) return opened;
  return open_client();
}

base::Result<void> Member::open_client() {
  base::Result<std::unique_ptr<Client>> client = Client::open(
      cluster_, RD_KAFKA_CONSUMER, settings_of(options_),
      {.on_rebalance = [this](rd_kafka_resp_err_t error,
                              rd_kafka_topic_partition_list_t* list) { on_rebalance(error, list); },
       .on_delivery = {}});
  if (!client) return base::fail(client.error());
  client_ = std::move(*client);
  rd_kafka_t* const rk = client_->rk();
  rd_kafka_poll_set_consumer(rk);
  queue_.reset(rd_kafka_queue_get_consumer(rk));
  wake_up_.watch(queue_.get());
  fetch_waker_.emplace(*client_, options_.topic);

  entry_.emplace(*client_, options_.group, options_.topic);
  return entry_->find_coordinator();
}

// The group waits until assign() has been called, so there is never more than one to be noted.
void Member::on_rebalance(rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions) {
  entry_->done();
  pending_ = error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? Pending::kAssign : Pending::kRevoke;
  pending_lost_ = rd_kafka_assignment_lost(client_->rk()) != 0;
  pending_partitions_.reset(rd_kafka_topic_partition_list_copy(partitions));
  // Not later: librdkafka forgets it when a session has ended, and may say so to the group.
  if (pending_ == Pending::kAssign) member_id_ = member_id_of(*client_);
}

base::Result<void> Member::rebalance() {
  const Pending what = std::exchange(pending_, Pending::kNothing);
  if (what == Pending::kAssign) return assign(*pending_partitions_);
  // Lost while it waited to be handled is lost as well.
  const bool lost = pending_lost_ || rd_kafka_assignment_lost(client_->rk()) != 0;
  base::Result<void> told = next_.empty() ? base::Result<void>() : owner_.on_revoked(lost);
  next_.clear();
  gone_.reset();
  rd_kafka_assign(client_->rk(), nullptr);
  return told;
}

base::Result<void> Member::assign(const rd_kafka_topic_partition_list_t& partitions) {
  const base::Result<std::vector<PartitionOffsets>> offsets =
      ask_group_offsets(*client_, {options_.group, options_.topic}, partitions);
  if (!offsets) return base::fail(offsets.error());
  const base::Result<std::vector<SignedOffset>> starts = owner_.on_assigned(*offsets);
  if (!starts) return base::fail(starts.error());
  if (options_.in_transactions) {
    base::Result<void> claimed =
        claim_group_offsets(*client_, options_.topic, *offsets, *starts, own_transactional_id());
    if (!claimed) return claimed;
  }
  next_.clear();
  for (const SignedOffset& start : *starts) {
    next_[start.partition] = {.next = start.offset, .at_end = false};
  }
  return begin_reading();
}

base::Result<void> Member::begin_reading() {
  std::vector<record::SourceOffset> starts;
  starts.reserve(next_.size());
  for (const auto& [partition, held] : next_) starts.push_back({partition, held.next});
  const RdPartitions list = list_of(options_.topic, starts);
  const rd_kafka_resp_err_t error = rd_kafka_assign(client_->rk(), list.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return base::fail(fmt::format("{}: {}", topic_label(options_.topic), rd_kafka_err2str(error)));
}

// Of messages only those that come next: some may be left from before a rebalance.
bool Member::accept(const rd_kafka_message_t& raw) {
  if (raw.err != RD_KAFKA_RESP_ERR_NO_ERROR && raw.err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    take_error(raw);
    return false;
  }
  const auto held = next_.find(raw.partition);
  if (held == next_.end() || raw.offset < held->second.next) return false;
  held->second.at_end = raw.err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  // The end is behind what is no message for us, too: the end of a transaction.
  held->second.next = held->second.at_end ? raw.offset : raw.offset + 1;
  return !held->second.at_end;
}

void Member::take_error(const rd_kafka_message_t& raw) {
  const char* const reason = rd_kafka_message_errstr(&raw);
  cluster_.context().diagnostics.detail(
      fmt::format("kafka: {}: {}", rd_kafka_err2name(raw.err), reason));
  switch (raw.err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      if (next_.contains(raw.partition)) gone_ = raw.partition;
      return;
    case RD_KAFKA_RESP_ERR__FATAL: {
      std::array<char, 512> why{};
      const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_->rk(), why.data(), why.size());
      fenced_ = fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
      if (!fenced_) error_ = base::Error{fmt::format("kafka: {}", why.data())};
      return;
    }
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      error_ = base::Error{fmt::format(
          "{}: brokers know no such topic, or partition, any more ({}): if it was deleted, what "
          "had not been read of it is lost; {}",
          topic_label(options_.topic), rd_kafka_err2name(raw.err), options_.when_made_anew)};
      return;
    default:
      if (refused_by(raw.err) == Refused::kNothing) return;  // librdkafka goes on by itself
      error_ = base::Error{fmt::format(
          "{}: {}", topic_label(options_.topic),
          refusal(raw.err, {.right = "Read", .topic = options_.topic, .group = options_.group}))};
      return;
  }
}

// Its session has ended, whether the revocation has been handled or only noted.
bool Member::is_lost() const {
  return (pending_ == Pending::kRevoke && pending_lost_) ||
         rd_kafka_assignment_lost(client_->rk()) != 0;
}

// A member that is told that another has its name leaves if that is so, and joins anew if no
// process uses the name.
base::Result<void> Member::join_again() {
  cluster_.context().diagnostics.warning(fmt::format(
      "group {} says that another has joined it as instance {}: looking whether it lives",
      options_.group, options_.instance));
  base::Result<void> told = next_.empty() ? base::Result<void>() : owner_.on_revoked(true);
  if (!told) return told;
  const base::Duration session =
      std::chrono::milliseconds(std::stoi(client_->setting("session.timeout.ms")));
  close();
  const base::Result<bool> alive = is_alive(cluster_,
                                            {.group = options_.group,
                                             .instance = options_.instance,
                                             .topic = options_.topic,
                                             .own_id = member_id_,
                                             .decides = options_.name_decides},
                                            session);
  if (!alive) return base::fail(alive.error());
  if (*alive) {
    error_ =
        base::Error{fmt::format("another process has joined group {} as instance {} and taken this "
                                "one's place: give one of the two another --instance",
                                options_.group, options_.instance)};
    return base::fail(*error_);
  }
  cluster_.context().diagnostics.warning("nobody does: the group is joined anew");
  fenced_ = false;
  pending_ = Pending::kNothing;
  gone_.reset();
  if (base::Result<void> opened = open_client(); !opened) return opened;
  return join();
}

base::Result<void> Member::resume_after_gap() {
  const int32_t partition = *std::exchange(gone_, std::nullopt);
  const auto held = next_.find(partition);
  if (held == next_.end()) return {};
  const base::Result<std::vector<PartitionEnds>> ends = ask_ends({&partition, 1});
  if (!ends) return base::fail(ends.error());
  const base::Result<bool> go_on = owner_.on_gone(held->second.next, ends->front());
  if (!go_on) return base::fail(go_on.error());
  held->second = {.next = std::max(held->second.next, ends->front().low), .at_end = false};
  // What is not read any more, after such an error, cannot be set to an offset by itself.
  return begin_reading();
}

// True: `out` has what there was, maybe nothing. False: the queue was empty.
bool Member::look(io::MessageBlock& out) {
  if (fetch_waker_->has_room_again(queue_.get())) wake_fetching();
  const size_t found =
      batch_.fill(queue_.get(), [this](const rd_kafka_message_t& raw) { return accept(raw); });
  out = {.messages = batch_.messages(), .source = options_.topic};
  if (!batch_.messages().empty()) cluster_.watch().reachable();
  return found > 0;
}

void Member::wake_fetching() {
  std::vector<int32_t> behind;
  for (const Position& position : positions()) {
    if (!position.at_end && position.high > position.next) behind.push_back(position.partition);
  }
  fetch_waker_->wake(behind);
}

base::Result<io::Wake> Member::wait(base::Instant deadline) {
  const base::Instant now = cluster_.context().clock.now();
  return wake_up_.wait(waiter_, std::min({deadline, now + kLookInterval, entry_->look(now)}));
}

base::Result<io::ReadStatus> Member::read(io::MessageBlock& out, base::Instant deadline) {
  const base::Clock& clock = cluster_.context().clock;
  bool woken = false;
  for (;;) {
    if (error_) return base::fail(*error_);
    if (fenced_) {
      if (base::Result<void> joined = join_again(); !joined) return base::fail(joined.error());
    }
    if (pending_ != Pending::kNothing) {
      if (base::Result<void> done = rebalance(); !done) return base::fail(done.error());
      return idle(out);
    }
    if (gone_) {
      if (base::Result<void> resumed = resume_after_gap(); !resumed)
        return base::fail(resumed.error());
    }
    if (waiter_.stop().requested()) return io::ReadStatus::kEnd;
    if (look(out)) {
      if (!out.messages.empty()) return io::ReadStatus::kBlock;
      // That an end has been reached is news as well.
      return idle(out);
    }
    if (pending_ != Pending::kNothing || error_ || fenced_) continue;
    if (woken_.exchange(false) || clock.now() >= deadline) return idle(out);
    if (!woken && fetch_waker_->needed()) {
      // The queue was found empty with more to come: once, then wait.
      wake_fetching();
      woken = true;
      continue;
    }
    const base::Result<io::Wake> wake = wait(deadline);
    if (!wake) return base::fail(wake.error());
    if (base::Result<void> patient = client_->check_brokers(std::chrono::hours(1)); !patient) {
      return base::fail(patient.error());
    }
    woken = *wake == io::Wake::kReady;
  }
}

void Member::wake() {
  woken_ = true;
  wake_up_.ring();
}

std::vector<GroupConsumer::Position> Member::positions() const {
  std::vector<Position> positions;
  for (const auto& [partition, held] : next_) {
    int64_t low = 0;
    int64_t high = held.next;
    if (rd_kafka_get_watermark_offsets(client_->rk(), options_.topic.c_str(), partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      high = held.next;
    }
    positions.push_back({partition, held.next, std::max(high, held.next), held.at_end});
  }
  std::sort(positions.begin(), positions.end(),
            [](const Position& a, const Position& b) { return a.partition < b.partition; });
  return positions;
}

base::Result<std::vector<PartitionOffsets>> Member::ask_offsets(
    std::span<const int32_t> partitions) {
  const RdPartitions list = list_of(options_.topic, partitions);
  return ask_group_offsets(*client_, {options_.group, options_.topic}, *list);
}

std::vector<SignedOffset> Member::look_at_others() {
  const int32_t count =
      client_->count_partitions(options_.topic, milliseconds(kCountTimeout)).value_or(0);
  std::vector<int32_t> others;
  for (int32_t partition = 0; partition < count; ++partition) {
    if (!next_.contains(partition)) others.push_back(partition);
  }
  return look_at_group_offsets(cluster_, {options_.group, options_.topic},
                               *list_of(options_.topic, others));
}

base::Result<bool> Member::commit(std::span<const SignedOffset> next) {
  return commit_group_offsets(*client_, options_.topic, next, own_transactional_id(),
                              [this] { return !is_lost(); });
}

std::shared_ptr<const void> Member::group_metadata() {
  return RdGroupMetadata(rd_kafka_consumer_group_metadata(client_->rk()));
}

// To close the handle would wait for a coordinator that may be away, and tell it nothing: a static
// member does not leave.
void Member::close() {
  if (!client_) return;
  batch_.clear();
  next_.clear();
  WakeUp::unwatch(queue_.get());
  queue_.reset();
  fetch_waker_.reset();
  entry_.reset();
  Client::abandon_in_time(std::move(client_));
}

}  // namespace

std::string transactional_id(const std::string& group, const std::string& instance) {
  return group + "." + instance;
}

base::Result<std::unique_ptr<GroupConsumer>> GroupConsumer::open(
    Cluster& cluster, const GroupConsumerOptions& options, PartitionOwner& owner,
    const io::Waiter& waiter) {
  auto member = std::make_unique<Member>(cluster, options, owner, waiter);
  base::Result<void> opened = member->open();
  if (!opened) return base::fail(opened.error());
  return base::Result<std::unique_ptr<GroupConsumer>>(std::move(member));
}

}  // namespace paystats::kafka
