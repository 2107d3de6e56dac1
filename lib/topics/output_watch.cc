#include "topics/output_watch.h"

#include <fmt/format.h>

#include <utility>

#include "kafka/range_reader.h"
#include "topics/requirements.h"

namespace paystats::topics {

using Verdict = OutputEnds::Verdict;

namespace {

OutputWatchOptions with_check(OutputWatchOptions options, const TopicJobContext& context) {
  if (options.check) return options;
  options.check = [&cluster = context.cluster, topics = options.topics,
                   patience = options.patience] {
    return check_again(cluster, topics, cluster.context().clock.now() + patience);
  };
  return options;
}

}  // namespace

OutputWatch::OutputWatch(OutputWatchOptions options, TopicParts& parts,
                         const TopicJobContext& context)
    : options_(with_check(std::move(options), context)),
      parts_(parts),
      context_(context),
      ends_(options_.guarantee == Guarantee::kExactlyOnce) {}

void OutputWatch::assigned() {
  forget();
  for (const auto& [partition, part] : parts_) ends_.restored(partition, part.output_end);
  if (!parts_.empty()) next_look_ = context_.run.clock.now() + kLookInterval;
}

void OutputWatch::forget() {
  ends_.clear();
  judges_.clear();
  next_look_ = base::Instant::max();
  went_back_ = false;
  remade_.reset();
  gone_since_.reset();
  gone_was_told_ = false;
}

std::vector<int32_t> OutputWatch::partitions() const {
  std::vector<int32_t> partitions;
  for (const auto& [partition, part] : parts_) partitions.push_back(partition);
  return partitions;
}

base::Result<uint64_t> OutputWatch::published(std::span<const kafka::DeliveredRange> delivered) {
  std::vector<Gap> gaps;
  const bool was_remade = remade_.has_value();
  for (const kafka::DeliveredRange& range : delivered) {
    switch (ends_.published(range)) {
      case Verdict::kAsExpected:
        break;
      case Verdict::kUnknown:
        next_look_ = context_.run.clock.now();
        break;
      case Verdict::kAhead:
        gaps.push_back(ends_.gap(range.partition));
        break;
      case Verdict::kBack:
        note_remade(range.partition, range.first);
        break;
    }
  }
  // Of other partitions than the one that has gone back, which may have been cut alone.
  if (base::Result<void> done = read(gaps); !done) return base::fail(done.error());
  if (!remade_ || was_remade) return 0;
  base::Result<uint64_t> again = begin_anew();
  if (again && !remade_) {
    for (const kafka::DeliveredRange& each : delivered) ends_.published(each);
  }
  return again;
}

// In a topic that was made anew it may be all that shows it: the publication behind it lies where
// it would have lain in the topic of before.
base::Result<uint64_t> OutputWatch::undone(std::span<const kafka::DeliveredRange> delivered) {
  const bool was_remade = remade_.has_value();
  for (const kafka::DeliveredRange& range : delivered) {
    if (ends_.undone(range) == Verdict::kBack) note_remade(range.partition, range.first);
  }
  return remade_ && !was_remade ? begin_anew() : base::Result<uint64_t>(0);
}

void OutputWatch::look_soon() {
  if (!parts_.empty()) next_look_ = context_.run.clock.now();
}

void OutputWatch::cannot_publish() {
  const base::Instant now = context_.run.clock.now();
  if (!gone_since_) gone_since_ = now;
  next_look_ = now;
}

base::Result<uint64_t> OutputWatch::look(bool under_way) {
  const base::Instant now = context_.run.clock.now();
  if (now < next_look_ && now < next_poll_) return 0;
  if (look_) look_->poll();
  next_poll_ = now + kLookAgain;
  if (now < next_look_ || parts_.empty()) return 0;
  next_look_ = now + (gone_since_ ? kLookAgain : kLookInterval);
  const std::optional<kafka::TopicSight> found = sight();
  if (!found) return 0;
  if (!found->ends.empty()) {
    gone_since_.reset();
    if (std::exchange(gone_was_told_, false)) {
      context_.run.diagnostics.warning(
          fmt::format("kafka:{}: the topic is there again", options_.topics.stats));
    }
    if (!under_way) return remade_ ? begin_anew(found->ends) : judge(found->ends, now);
    next_look_ = now + kLookAgain;
    return 0;
  }
  went_back_ = false;
  if (found->partitions == 0) {
    none_there(now);
    return 0;
  }
  // A partition without a leader is what the producer waits for.
  gone_since_.reset();
  if (found->partitions <= parts_.rbegin()->first) {
    const base::Result<bool> fits = options_.check();
    if (!fits) return base::fail(fits.error());
  }
  return 0;
}

// Nothing: no broker has said anything in time, which others tell of.
std::optional<kafka::TopicSight> OutputWatch::sight() {
  if (context_.cluster.watch().away()) return std::nullopt;
  if (!look_) {
    base::Result<std::unique_ptr<kafka::TopicLook>> opened =
        kafka::TopicLook::open(context_.cluster, options_.topics.stats);
    if (!opened) {
      context_.run.diagnostics.detail(opened.error().message);
      return std::nullopt;
    }
    look_ = std::move(*opened);
  }
  return look_->look(partitions());
}

void OutputWatch::none_there(base::Instant now) {
  if (!gone_since_) gone_since_ = now;
  next_look_ = now + kLookAgain;
  if (now - *gone_since_ < kUnknownGrace || gone_was_told_) return;
  gone_was_told_ = true;
  context_.run.diagnostics.warning(
      fmt::format("kafka:{}: there is no such topic any more; waiting until it is there again: all "
                  "totals are published then",
                  options_.topics.stats));
}

base::Result<uint64_t> OutputWatch::judge(std::span<const record::SourceOffset> ends,
                                          base::Instant now) {
  std::vector<Gap> gaps;
  const record::SourceOffset* back = nullptr;
  for (const record::SourceOffset& end : ends) {
    switch (ends_.seen(end.partition, end.offset)) {
      case Verdict::kAsExpected:
      case Verdict::kUnknown:
        break;
      case Verdict::kAhead:
        gaps.push_back(ends_.gap(end.partition));
        break;
      case Verdict::kBack:
        if (back == nullptr) back = &end;
        break;
    }
  }
  if (base::Result<void> done = read(gaps); !done) return base::fail(done.error());
  const bool before = std::exchange(went_back_, back != nullptr);
  if (back == nullptr) return 0;
  // A leader that has just been elected may be behind for a moment.
  if (!before) {
    next_look_ = now + kLookAgain;
    return 0;
  }
  note_remade(back->partition, back->offset);
  return begin_anew(ends);
}

void OutputWatch::note_remade(int32_t partition, int64_t offset) {
  if (!remade_) remade_ = record::SourceOffset{partition, offset};
}

base::Result<uint64_t> OutputWatch::begin_anew(std::span<const record::SourceOffset> ends) {
  base::Result<uint64_t> again = begin_anew();
  if (again && !remade_) {
    for (const record::SourceOffset& each : ends) ends_.restored(each.partition, each.offset);
  }
  return again;
}

// Nothing is known of its ends then. Where it has been deleted once more, or does not answer, a
// later look does it.
base::Result<uint64_t> OutputWatch::begin_anew() {
  const base::Result<bool> fits = options_.check();
  // After a stop signal nothing is asked any more, and this is the last chance to fill it: whether
  // it fits is then seen by the next start.
  const bool ends = !fits && fits.error().kind == base::ErrorKind::kInterrupted;
  if (!fits && !ends) return base::fail(fits.error());
  if (!ends && !*fits) {
    next_look_ = context_.run.clock.now() + kLookAgain;
    return 0;
  }
  const record::SourceOffset at = *std::exchange(remade_, std::nullopt);
  ends_.clear();
  went_back_ = false;
  uint64_t users = 0;
  for (auto& [number, part] : parts_) users += part.totals.set_all_changed();
  if (users == 0) return users;
  context_.run.diagnostics.warning(fmt::format(
      "kafka:{}: partition {} began again at offset {}: it has been made anew; {} published again",
      options_.topics.stats, at.partition, at.offset,
      users == 1 ? "the total is" : fmt::format("all {} totals are", users)));
  return users;
}

// A gap that cannot be read now is one again in the next look.
base::Result<void> OutputWatch::read(std::span<const Gap> gaps) {
  if (gaps.empty()) return {};
  std::vector<kafka::OffsetRange> ranges;
  for (const Gap& gap : gaps) {
    ranges.push_back({.partition = gap.partition, .from = gap.from, .to = gap.to});
    context_.run.diagnostics.detail(fmt::format("kafka:{}: partition {}: reading offsets {} to {}",
                                                options_.topics.stats, gap.partition, gap.from,
                                                gap.to - 1));
  }
  std::map<int32_t, std::set<std::string>> removed;  // users whose last record is a tombstone
  std::vector<int64_t> reached;
  base::Result<void> done = kafka::read_ranges(
      context_.cluster, options_.topics.stats, ranges,
      [&](const io::MessageBlock& block) {
        for (const io::Message& message : block.messages) {
          if (!message.value) {
            removed[message.at.partition].emplace(message.key);
            continue;
          }
          if (base::Result<void> ours = check_source(message); !ours) return ours;
          const auto users = removed.find(message.at.partition);
          if (users != removed.end()) users->second.erase(std::string(message.key));
        }
        return base::Result<void>();
      },
      &reached, context_.run.clock.now() + options_.patience);
  if (!done && done.error().kind == base::ErrorKind::kMustNotGoOn) return done;
  if (!done) {
    context_.run.diagnostics.detail(done.error().message);
    return {};
  }
  for (size_t i = 0; i < gaps.size(); ++i) {
    if (reached[i] < gaps[i].to) continue;
    remove(gaps[i], removed[gaps[i].partition]);
    ends_.judged(gaps[i].partition);
  }
  return {};
}

base::Result<void> OutputWatch::check_source(const io::Message& message) {
  const int32_t partition = message.at.partition;
  auto judge = judges_.find(partition);
  if (judge == judges_.end()) {
    kafka::RecordSource own = options_.source;
    own.partition = partition;
    judge = judges_.emplace(partition, kafka::SourceJudge(own)).first;
  }
  return judge->second.check(message, options_.topics.stats);
}

// A tombstone has no effect where a total of the user stands behind it, or is about to.
void OutputWatch::remove(const Gap& gap, const std::set<std::string>& users) {
  if (users.empty()) return;
  const size_t removed = remove_users(parts_.at(gap.partition), users, gap.ours_follow);
  if (removed == 0) return;
  context_.run.diagnostics.detail(
      fmt::format("kafka:{}: partition {}: {}", options_.topics.stats, gap.partition,
                  removed == 1 ? "a tombstone has removed a user"
                               : fmt::format("tombstones have removed {} users", removed)));
}

}  // namespace paystats::topics
