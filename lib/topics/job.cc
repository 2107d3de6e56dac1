#include "topics/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "io/decode_messages.h"
#include "io/wait.h"
#include "kafka/group_consumer.h"
#include "kafka/hidden_messages.h"
#include "kafka/stats_writer.h"
#include "kafka/topics.h"
#include "topics/facts.h"
#include "topics/last_message.h"
#include "topics/output_watch.h"
#include "topics/outside_watch.h"
#include "topics/partition.h"
#include "topics/restore.h"
#include "topics/signature.h"
#include "topics/start.h"

namespace paystats::topics {
namespace {

// The client is asked this often how far behind it is.
constexpr base::Duration kLagInterval = std::chrono::milliseconds(200);

// Publications fall between blocks, so a block is no larger than what is to lie between two.
size_t block_messages(const stream::TriggerOptions& trigger) {
  constexpr uint64_t kMax = 1024;
  return static_cast<size_t>(std::min(trigger.records_max.value_or(kMax), kMax));
}

}  // namespace

class TopicJob::Impl final : public kafka::PartitionOwner {
 public:
  Impl(const TopicJobOptions& options, const TopicJobContext& context)
      : options_(options),
        context_(context),
        clock_(context.run.clock),
        waiter_(context.run.stop, context.run.clock),
        decoder_(options.fields, context.rejects, options.framing),
        hidden_(options.topics.payments, context.cluster.tool_options(), context.run.diagnostics),
        source_({.cluster = options.publish.origin.cluster_id,
                 .topic = options.topics.payments,
                 .group = options.group,
                 .options = options.publish.origin.options}),
        watch_({.topics = options.topics, .source = source_, .guarantee = options.guarantee},
               parts_, context) {}

  base::Result<void> open();
  base::Result<void> run();

 private:
  base::Result<std::vector<kafka::SignedOffset>> on_assigned(
      std::span<const kafka::PartitionOffsets> partitions) override;
  base::Result<void> on_revoked(bool lost) override;
  base::Result<bool> on_gone(int64_t wanted, const kafka::PartitionEnds& ends) override;

  base::Result<void> check_sizes(std::span<const kafka::PartitionOffsets> partitions);
  StartContext start_context() const;
  base::Result<std::vector<kafka::SignedOffset>> begin_at(
      std::span<const PartitionFacts> facts, std::span<const record::SourceOffset> starts);

  base::Result<void> loop();
  base::Result<void> take(const io::MessageBlock& block);
  base::Result<void> add(const io::DecodedRun<record::Payment>& decoded);
  uint64_t users() const;
  base::Result<void> check_users() const;
  base::Result<void> finish();
  base::Result<void> leave_unpublished() const;
  base::Instant deadline(bool paused) const;
  bool is_behind() const;
  bool all_read() const;
  void count();

  const TopicJobOptions& options_;
  const TopicJobContext context_;
  const base::Clock& clock_;
  const io::Waiter waiter_;
  io::MessageDecoder<record::Payment> decoder_;
  kafka::HiddenMessages hidden_;
  const kafka::RecordSource source_;  // of our totals, whatever their partition
  TopicParts parts_;                  // that are assigned
  OutputWatch watch_;
  std::unique_ptr<kafka::GroupConsumer> consumer_;
  std::optional<OutsideWatch> outside_;
  std::unique_ptr<TopicPublisher> publisher_;  // it wakes the consumer, so it ends first
  base::Instant counted_{};
  std::vector<totals::Totals::RejectedRow> rejected_;  // reused
  int32_t known_partitions_ = options_.partitions;     // that both topics have
  bool was_assigned_ = false;
};

base::Result<void> TopicJob::Impl::open() {
  // The writer first: it clears what a predecessor of this name has left open, which otherwise
  // hides the newest totals and offsets from us.
  const bool in_transactions = options_.guarantee == Guarantee::kExactlyOnce;
  std::optional<std::string> transactional_id;
  if (in_transactions) {
    transactional_id = kafka::transactional_id(options_.group, options_.instance);
  }
  base::Result<std::unique_ptr<kafka::StatsWriter>> writer =
      kafka::StatsWriter::open(context_.cluster,
                               {.source = source_,
                                .topic = options_.topics.stats,
                                .rejects_topic = options_.rejects_topic,
                                .transactional_id = std::move(transactional_id)},
                               [this] { consumer_->wake(); });
  if (!writer) return base::fail(writer.error());
  publisher_ = std::make_unique<TopicPublisher>(std::move(*writer), options_.publish, parts_,
                                                watch_, context_);
  base::Result<std::unique_ptr<kafka::GroupConsumer>> consumer =
      kafka::GroupConsumer::open(context_.cluster,
                                 {.topic = options_.topics.payments,
                                  .group = options_.group,
                                  .instance = options_.instance,
                                  .when_made_anew = kWhenMadeAnew,
                                  .in_transactions = in_transactions,
                                  .name_decides = options_.is_first,
                                  .block_messages = block_messages(options_.publish.trigger)},
                                 *this, waiter_);
  if (!consumer) return base::fail(consumer.error());
  consumer_ = std::move(*consumer);
  publisher_->set_consumer(*consumer_);
  return {};
}

base::Result<void> TopicJob::Impl::run() {
  base::Result<void> done = consumer_->join();
  // A member that loses its partitions on the way has not read what there is: it waits for others.
  do {
    if (done) done = loop();
    if (done) done = finish();
  } while (done && options_.available_now && !was_assigned_ && !context_.run.stop.requested());
  if (!done && done.error().kind == base::ErrorKind::kInterrupted) {
    done = leave_unpublished();
  }
  count();
  consumer_->close();
  if (options_.available_now && hidden_.messages() > 0) {
    context_.run.diagnostics.note(fmt::format(
        "kafka:{}: open transactions of other programs hide {} messages, which were not read",
        options_.topics.payments, hidden_.messages()));
  }
  return done;
}

base::Result<void> TopicJob::Impl::loop() {
  for (;;) {
    io::MessageBlock block;
    base::Result<io::ReadStatus> status = consumer_->read(block, clock_.now());
    if (status && *status == io::ReadStatus::kIdle) {
      if (all_read()) return {};
      const bool paused = !is_behind();
      if (base::Result<void> done = publisher_->publish_if_due(paused); !done) return done;
      if (base::Result<void> done = context_.rejects.flush(); !done) return done;
      count();
      status = consumer_->read(block, deadline(paused));
    }
    // A signal during a restore leaves a part of a table, which goes with it.
    if (!status && status.error().kind == base::ErrorKind::kInterrupted) return {};
    if (!status) return base::fail(status.error());
    if (*status == io::ReadStatus::kEnd) return {};
    if (*status == io::ReadStatus::kBlock) {
      if (base::Result<void> taken = take(block); !taken) return taken;
    }
    if (base::Result<void> done = publisher_->publish_if_due(false); !done) return done;
    if (outside_ && outside_->due()) {
      base::Result<void> same = outside_->look(parts_, start_context(), *publisher_);
      if (!same) return same;
    }
    if (clock_.now() - counted_ >= kLagInterval) count();
  }
}

base::Result<void> TopicJob::Impl::take(const io::MessageBlock& block) {
  uint64_t bytes = 0;
  for (const io::Message& message : block.messages)
    bytes += message.value ? message.value->size() : 0;
  context_.counters.bytes += bytes;
  note_last(block, parts_);
  outside_->took(block.messages);
  const uint64_t before = decoder_.records();
  base::Result<void> taken = decoder_.decode(
      block, [this](const io::DecodedRun<record::Payment>& decoded) { return add(decoded); });
  // Rejects count as well: the offsets have to move on behind them, too.
  publisher_->added(decoder_.records() - before);
  return taken ? check_users() : taken;
}

// Rows of one partition after the other, as they come.
base::Result<void> TopicJob::Impl::add(const io::DecodedRun<record::Payment>& decoded) {
  std::span<const totals::Totals::Row> rows(decoded.lines.rows);
  while (!rows.empty()) {
    const int32_t partition = decoded.messages[rows.front().line].at.partition;
    size_t run = 1;
    while (run < rows.size() && decoded.messages[rows[run].line].at.partition == partition) ++run;
    PartitionTotals& totals = parts_.at(partition).totals;
    const uint64_t records = record::first_records(rows.first(run), UINT64_MAX).records;
    const uint64_t skipped = totals.skipped();
    rejected_.clear();
    if (base::Result<void> added = totals.add(rows.first(run), decoded.messages, rejected_);
        !added) {
      return added;
    }
    for (const totals::Totals::RejectedRow& rejected : rejected_) {
      base::Result<void> put_aside =
          decoder_.reject(decoded, rows[rejected.row].line, rejected.flaw);
      if (!put_aside) return put_aside;
    }
    const uint64_t twice = totals.skipped() - skipped;
    context_.counters.skipped += twice;
    context_.counters.accepted += records - rejected_.size() - twice;
    rows = rows.subspan(run);
  }
  return {};
}

uint64_t TopicJob::Impl::users() const {
  uint64_t users = 0;
  for (const auto& [partition, part] : parts_) users += part.totals.totals().users();
  return users;
}

// Each table has the limit by itself; together they must keep it, too.
base::Result<void> TopicJob::Impl::check_users() const {
  if (users() <= options_.users_max) return {};
  return base::fail(fmt::format("more than {} users: raise --users-max if there is the memory",
                                options_.users_max));
}

base::Result<void> TopicJob::Impl::leave_unpublished() const {
  if (watch_.is_gone()) {
    return base::fail(
        fmt::format("kafka:{}: there is no such topic any more, so the totals are in none; the "
                    "next start makes "
                    "them again of the payments that are still there",
                    options_.topics.stats));
  }
  context_.run.diagnostics.warning(
      "the last totals were not published in time; the next start makes them again");
  return {};
}

base::Result<void> TopicJob::Impl::finish() {
  while (publisher_->pending() && consumer_->assigned()) {
    const base::Result<bool> published = publisher_->publish_all();
    if (!published && published.error().kind == base::ErrorKind::kInterrupted) {
      return leave_unpublished();
    }
    if (!published) return base::fail(published.error());
    if (*published) break;
    // A member that was fenced, or lost its partitions meanwhile, hears of it here.
    if (context_.run.stop.requested()) {
      return publisher_->pending() ? leave_unpublished() : base::Result<void>();
    }
    io::MessageBlock none;
    const base::Result<io::ReadStatus> read =
        consumer_->read(none, clock_.now() + TopicPublisher::kRetryAfter);
    if (!read) return base::fail(read.error());
    if (*read == io::ReadStatus::kBlock) {
      if (base::Result<void> taken = take(none); !taken) return taken;
    }
  }
  if (!consumer_->assigned() || context_.cluster.watch().away()) return {};
  // The markers of transactions behind the last payment, which brokers that are away may keep.
  const base::Result<bool> published = publisher_->publish_all();
  return published || published.error().kind == base::ErrorKind::kInterrupted
             ? base::Result<void>()
             : base::fail(published.error());
}

base::Instant TopicJob::Impl::deadline(bool paused) const {
  return std::min(publisher_->deadline(paused), clock_.now() + kLagInterval * 5);
}

// A queue that is empty while the partitions have more is no pause of the input.
bool TopicJob::Impl::is_behind() const {
  for (const kafka::GroupConsumer::Position& position : consumer_->positions()) {
    if (!position.at_end && position.high > position.next) return true;
  }
  return false;
}

// With available_now: all that was there when the partitions were assigned.
bool TopicJob::Impl::all_read() const {
  if (!options_.available_now || !was_assigned_) return false;
  for (const kafka::GroupConsumer::Position& position : consumer_->positions()) {
    const auto part = parts_.find(position.partition);
    if (part == parts_.end()) return false;
    if (position.next < part->second.target && !position.at_end) return false;
  }
  return true;
}

void TopicJob::Impl::count() {
  counted_ = clock_.now();
  uint64_t lag = 0;
  bool caught_up = was_assigned_;
  const std::vector<kafka::GroupConsumer::Position> positions = consumer_->positions();
  for (const kafka::GroupConsumer::Position& position : positions) {
    const auto part = parts_.find(position.partition);
    if (part == parts_.end()) continue;  // about to be given back
    note_end(position, part->second);
    const int64_t target = part->second.target;
    lag += static_cast<uint64_t>(std::max(position.high, target) - position.next);
    caught_up = caught_up && position.next >= target;
  }
  hidden_.look(positions, counted_);
  context_.counters.users = users();
  context_.counters.lag = lag;
  context_.counters.hidden = hidden_.messages();
  context_.counters.hidden_s = static_cast<uint64_t>(base::whole_seconds(hidden_.age()));
  context_.counters.partitions = parts_.size();
  context_.counters.caught_up = caught_up;
}

base::Result<std::vector<kafka::SignedOffset>> TopicJob::Impl::on_assigned(
    std::span<const kafka::PartitionOffsets> partitions) {
  if (base::Result<void> grown = check_sizes(partitions); !grown) return base::fail(grown.error());
  parts_.clear();
  was_assigned_ = true;
  for (const kafka::PartitionOffsets& each : partitions) {
    parts_.emplace(each.partition,
                   TopicPart{.totals = PartitionTotals(
                                 each.partition, options_.hash_seed,
                                 {.users_max = options_.users_max, .track_changes = true}),
                             .target = each.high});
  }
  base::Result<void> restored =
      restore(context_.cluster, options_.topics.stats, source_, parts_, context_.counters);
  if (!restored) return base::fail(restored.error());
  const base::Result<std::vector<PartitionFacts>> facts =
      gather_facts(context_.cluster, options_.topics.payments, partitions, parts_, *consumer_);
  if (!facts) return base::fail(facts.error());
  base::Result<TopicStarts> chosen = choose_starts(*facts, start_context());
  if (!chosen) return base::fail(chosen.error());
  for (const std::string& warning : chosen->warnings) context_.run.diagnostics.warning(warning);
  for (const std::string& note : chosen->notes) context_.run.diagnostics.note(note);
  return begin_at(*facts, chosen->starts);
}

// Payments may have been given more partitions, and totals not.
base::Result<void> TopicJob::Impl::check_sizes(
    std::span<const kafka::PartitionOffsets> partitions) {
  int32_t last = -1;
  for (const kafka::PartitionOffsets& each : partitions) last = std::max(last, each.partition);
  if (last < known_partitions_) return {};
  base::Result<void> grown = kafka::check_grown(context_.cluster, options_.topics.payments,
                                                options_.topics.stats, kTotalsGoByNumber);
  if (!grown) return grown;
  publisher_->look_for_partitions();
  known_partitions_ = last + 1;
  return grown;
}

StartContext TopicJob::Impl::start_context() const {
  return {.topics = options_.topics,
          .group = options_.group,
          .origin = options_.publish.origin,
          .tool_options = context_.cluster.tool_options(),
          .on_data_loss = options_.on_data_loss};
}

base::Result<std::vector<kafka::SignedOffset>> TopicJob::Impl::begin_at(
    std::span<const PartitionFacts> facts, std::span<const record::SourceOffset> starts) {
  std::vector<kafka::SignedOffset> begun;
  std::vector<kafka::SignedOffset> earlier;  // than what the group has committed
  for (size_t i = 0; i < facts.size(); ++i) {
    const int64_t start = starts[i].offset;
    TopicPart& part = parts_.at(starts[i].partition);
    context_.run.diagnostics.detail(fmt::format("kafka:{}: partition {} from offset {}, {} users",
                                                options_.topics.payments, starts[i].partition,
                                                start, part.totals.totals().users()));
    const bool moved = facts[i].again && facts[i].again->committed == start;
    const kafka::PartitionOffsets& found = moved ? *facts[i].again : facts[i].offsets;
    begun.push_back(take_over(found, start, part, options_.publish.origin));
    if (found.committed && start < *found.committed) earlier.push_back(begun.back());
  }
  outside_.emplace(context_.cluster, options_.topics.payments, *consumer_, waiter_);
  publisher_->assigned(begun);
  watch_.assigned();
  if (options_.guarantee == Guarantee::kExactlyOnce || earlier.empty()) return begun;
  // At least once totals are written before offsets. After a crash between the two the offset that
  // stands now would be taken for one before which all has been counted.
  const base::Result<bool> committed = consumer_->commit(earlier);
  if (!committed) return base::fail(committed.error());
  return begun;
}

base::Result<void> TopicJob::Impl::on_revoked(bool lost) {
  if (!lost) {
    // The next owner begins where this ends. If it does not come about that one reads a little
    // more.
    const base::Result<bool> published = publisher_->hand_over();
    if (!published && published.error().kind != base::ErrorKind::kInterrupted) {
      return base::fail(published.error());
    }
    if (watch_.is_gone() && users() > 0) return leave_unpublished();
  }
  base::Result<void> outcome = publisher_->forget();
  parts_.clear();
  was_assigned_ = false;
  context_.run.diagnostics.detail(fmt::format("kafka:{}: partitions {}", options_.topics.payments,
                                              lost ? "lost" : "given back"));
  return outcome;
}

base::Result<bool> TopicJob::Impl::on_gone(int64_t wanted, const kafka::PartitionEnds& ends) {
  TopicPart& part = parts_.at(ends.partition);
  std::optional<kafka::MessageMark>& last = part.last;
  GoneFacts facts{.ends = ends, .wanted = wanted};
  for (const kafka::GroupConsumer::Position& position : consumer_->positions()) {
    if (position.partition != ends.partition) continue;
    facts.before_marker = is_before_marker(position, part);
  }
  if (last) {
    const LastRead mark{.mark = *last, .partition = ends.partition, .low = ends.low};
    const base::Result<LastMessages> found =
        look_again(context_.cluster, options_.topics.payments, {&mark, 1});
    if (!found) return base::fail(found.error());
    if (found->contains(ends.partition)) facts.last = found->at(ends.partition);
  }
  const base::Result<std::string> warning = judge_gone(facts, start_context());
  if (!warning) return base::fail(warning.error());
  if (!warning->empty()) context_.run.diagnostics.warning(*warning);
  // What is read again from here on comes after it.
  if (last && last->offset >= ends.low) last.reset();
  part.begun = std::max(wanted, ends.low);
  return true;
}

TopicJob::TopicJob(const TopicJobOptions& options, const TopicJobContext& context)
    : impl_(std::make_unique<Impl>(options, context)) {}
TopicJob::~TopicJob() = default;

base::Result<void> TopicJob::open() {
  return impl_->open();
}
base::Result<void> TopicJob::run() {
  return impl_->run();
}

}  // namespace paystats::topics
