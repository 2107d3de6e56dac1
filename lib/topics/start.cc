#include "topics/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/shell_word.h"
#include "kafka/record_source.h"

namespace paystats::topics {
namespace {

struct PartitionStart {
  int64_t offset = 0;
  std::string warning = {};  // where not empty
  bool is_unsigned = false;  // the offset of the group
  bool all_again = false;    // since it is
  bool marker_gone = false;  // all that was removed unread is the end of a transaction
  bool made_again = false;   // totals that are gone
  bool made_first = false;   // totals of which nobody knows whether they ever were
  bool missing = false;      // totals, whose payments are all there
};

// "partition 3", "partitions 0 to 5, 7"
std::string name_all(const std::vector<int32_t>& partitions) {
  std::string text = partitions.size() == 1 ? "partition " : "partitions ";
  for (size_t i = 0; i < partitions.size();) {
    size_t last = i;
    while (last + 1 < partitions.size() && partitions[last + 1] == partitions[last] + 1) ++last;
    if (i > 0) text += ", ";
    text += std::to_string(partitions[i]);
    if (last > i) text += fmt::format("{}{}", last > i + 1 ? " to " : ", ", partitions[last]);
    i = last + 1;
  }
  return text;
}

std::string describe_gap(const TopicNames& topics, int32_t partition, int64_t wanted, int64_t low) {
  return fmt::format(
      "kafka:{}: partition {}: the next payment to read is at offset {}, but the first that is "
      "still there is at offset {}: those between have been removed and are in no total",
      topics.payments, partition, wanted, low);
}

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(std::move(message), base::ErrorKind::kMustNotGoOn);
}

// Payments, or what they had given, are gone: a person says whether that is to be gone on without.
// `may_be_anew`: they may also be those of another topic, since what was read last has gone, too.
base::Result<std::string> judge_loss(std::string finding, bool may_be_anew, OnDataLoss on_loss) {
  if (may_be_anew) {
    finding +=
        "; if the topic has been made anew, which cannot be told any more, give payagg a new "
        "output topic and a new group";
  }
  if (on_loss == OnDataLoss::kContinue) return finding;
  return refuse(std::move(finding) + (may_be_anew ? "; else" : ";") +
                " --on-data-loss continue goes on without them");
}

std::string has_totals_of_before(const TopicNames& topics) {
  return fmt::format(
      "kafka:{} has totals of payments that were there before; give payagg a new output topic and "
      "a new group",
      topics.stats);
}

// `finding` ends with what the topic of payments is or does.
tl::unexpected<base::Error> refuse_anew(const std::string& finding, const TopicNames& topics) {
  return refuse(finding + ": it has been made anew, and " + has_totals_of_before(topics));
}

bool has_read(const kafka::OffsetSignature& signature) {
  return signature.table.users > 0 || signature.last;
}

bool has_other_options(const kafka::OffsetSignature& signature, const StartContext& context) {
  return signature.options != context.origin.options && has_read(signature);
}

class Judge {
 public:
  Judge(const PartitionFacts& facts, const StartContext& context)
      : facts_(facts), context_(context), offsets_(facts.offsets), topics_(context.topics) {}

  base::Result<PartitionStart> start() const {
    if (base::Result<void> same = check_origin(); !same) return base::fail(same.error());
    if (base::Result<void> there = check_payments(); !there) return base::fail(there.error());
    if (!has_totals()) return start_without_totals();
    // The offsets of a group expire; its totals do not. What they include is skipped.
    if (!offsets_.committed) return from(after_totals(), offsets_.low);
    return offsets_.signature ? start_at_signed() : start_at_unsigned();
  }

 private:
  // Or had, and somebody has removed them all.
  bool has_totals() const {
    return facts_.newest_total >= 0 || (facts_.tombstones > 0 && offsets_.signature);
  }
  // It has an offset, and nobody has read anything of it.
  bool is_unread() const {
    return offsets_.signature && !has_read(*offsets_.signature) && !has_totals();
  }
  int64_t after_totals() const { return facts_.newest_total + 1; }
  // All that has been removed since `wanted` was committed is the end of a transaction.
  bool is_marker_gone(int64_t wanted) const {
    return offsets_.signature && offsets_.signature->before_marker &&
           offsets_.committed == wanted && offsets_.low == wanted + 1;
  }
  bool other_options() const { return has_other_options(*offsets_.signature, context_); }
  // Of the first payments there are, all are there.
  bool all_there() const { return offsets_.low == 0; }
  // `finding` ends with what the topic of payments is or does.
  tl::unexpected<base::Error> refuse_payments(const std::string& finding) const {
    return has_totals() ? refuse_anew(finding, topics_)
                        : refuse(fmt::format("{}: it has been made anew, and kafka:{} has no "
                                             "totals; give payagg a new group",
                                             finding, topics_.stats));
  }
  std::string place() const {
    return fmt::format("kafka:{}: partition {}", topics_.payments, offsets_.partition);
  }

  base::Result<void> check_origin() const;
  base::Result<void> check_payments() const;
  base::Result<PartitionStart> start_without_totals() const;
  base::Result<PartitionStart> start_at_signed() const;
  base::Result<PartitionStart> start_at_unsigned() const;
  base::Result<PartitionStart> start_with_missing() const;
  base::Result<PartitionStart> from(int64_t wanted, int64_t start) const;
  base::Result<PartitionStart> from(int64_t wanted) const { return from(wanted, wanted); }
  base::Result<PartitionStart> go_on_at_low(std::string finding) const;

  const PartitionFacts& facts_;
  const StartContext& context_;
  const kafka::PartitionOffsets& offsets_;
  const TopicNames& topics_;
};

base::Result<void> Judge::check_origin() const {
  if (!offsets_.signature) return {};
  const std::string& cluster = offsets_.signature->cluster;
  const std::string& own = context_.origin.cluster_id;
  if (!cluster.empty() && !own.empty() && cluster != own && has_read(*offsets_.signature)) {
    return refuse(fmt::format(
        "{}: its offset was committed in cluster {}, and this is cluster {}: offsets that were "
        "copied mean nothing here; give payagg a new output topic and a new group",
        place(), cluster, own));
  }
  const std::string& output = offsets_.signature->output;
  if (!output.empty() && output != topics_.stats && has_read(*offsets_.signature)) {
    return refuse(fmt::format(
        "{}: the offset of group {} was committed with totals in kafka:{}, and not in kafka:{}: a "
        "group is for one output; give payagg another --group for this one, or none, which is the "
        "default one",
        place(), context_.group, output, topics_.stats));
  }
  // Without totals all is read, with the options of now.
  if (other_options() && (has_totals() || !all_there())) {
    return refuse(fmt::format("{}: the totals in kafka:{} were {}", place(), topics_.stats,
                              kafka::kMadeWithOtherOptions));
  }
  return {};
}

// Whether these are the payments that the totals were made of.
base::Result<void> Judge::check_payments() const {
  const int64_t high = facts_.again ? facts_.again->high : offsets_.high;
  if (facts_.last == LastMessage::kOther) {
    const int64_t last = facts_.last_offset;
    return refuse_payments(
        last >= high ? fmt::format("{}: the last message that was read was at offset {}, but the "
                                   "topic ends at offset {}",
                                   place(), last, high)
                     : fmt::format("{}: the last message that was read, at offset {}, is not in "
                                   "the topic any more",
                                   place(), last));
  }
  if (is_unread()) return {};
  // Where the last message is the same, somebody has set the offset, or what stood between was cut.
  if (offsets_.committed && *offsets_.committed > high && facts_.last != LastMessage::kSame) {
    return refuse_payments(
        fmt::format("{}: the group has read up to offset {}, but the topic ends at offset {}",
                    place(), *offsets_.committed, high));
  }
  if (facts_.newest_total >= high) {
    return refuse_payments(
        fmt::format("{}: there are totals up to offset {}, but the topic ends at offset {}",
                    place(), facts_.newest_total, high));
  }
  return {};
}

// At `start`, or, where what begins at `wanted` is partly gone, at what is left if the user says
// so.
base::Result<PartitionStart> Judge::from(int64_t wanted, int64_t start) const {
  if (wanted >= offsets_.low) return PartitionStart{.offset = start};
  if (is_marker_gone(wanted)) return PartitionStart{.offset = offsets_.low, .marker_gone = true};
  return go_on_at_low(describe_gap(topics_, offsets_.partition, wanted, offsets_.low));
}

base::Result<PartitionStart> Judge::go_on_at_low(std::string finding) const {
  const bool may_be_anew = has_totals() && facts_.last == LastMessage::kUnchecked;
  base::Result<std::string> warning =
      judge_loss(std::move(finding), may_be_anew, context_.on_data_loss);
  if (!warning) return base::fail(warning.error());
  return PartitionStart{.offset = offsets_.low, .warning = std::move(*warning)};
}

base::Result<PartitionStart> Judge::start_without_totals() const {
  const bool had_totals = offsets_.signature && offsets_.signature->table.users > 0;
  const bool was_read = offsets_.signature ? !is_unread() : offsets_.committed > offsets_.low;
  if (!was_read) {
    PartitionStart start{.offset = offsets_.low};
    if (offsets_.low > (is_unread() ? *offsets_.committed : 0)) {
      start.warning =
          fmt::format("{} begins at offset {}: what was removed before that is in no total",
                      place(), offsets_.low);
    }
    return start;
  }
  if (offsets_.signature && !had_totals && !other_options()) {
    return from(*offsets_.committed);  // nothing of what was read is in a total
  }
  if (had_totals && !all_there()) return start_with_missing();
  // What was read before has left no total, so all of it is read again.
  base::Result<PartitionStart> start = from(0);
  if (start) start->made_again = start->warning.empty() && had_totals;
  if (start) start->made_first = start->warning.empty() && !had_totals;
  return start;
}

base::Result<PartitionStart> Judge::start_at_signed() const {
  const int64_t committed = *offsets_.committed;
  const kafka::TableDigest& then = offsets_.signature->table;
  const bool no_fewer = facts_.table.users + facts_.tombstones >= then.users;
  if (facts_.newest_total < committed) {
    // All totals are of payments before the offset, so they are those that it was signed with; but
    // for those of users who have been removed by hand.
    const bool same = facts_.table == then || (facts_.tombstones > 0 && no_fewer);
    return same ? from(committed) : start_with_missing();
  }
  if (facts_.again && facts_.again->committed && facts_.again->signature &&
      facts_.newest_total < *facts_.again->committed &&
      facts_.table == facts_.again->signature->table) {
    return from(*facts_.again->committed);
  }
  // Totals are published before the offset where they go in parts, or at least once: what they
  // include is more than what was signed, and is skipped.
  return no_fewer ? from(committed) : start_with_missing();
}

base::Result<PartitionStart> Judge::start_at_unsigned() const {
  // Nothing tells whether the totals of what is behind it are all there.
  if (all_there()) return PartitionStart{.offset = 0, .all_again = true};
  const int64_t committed = *offsets_.committed;
  // Moved forward by hand it would skip what nobody has counted.
  const int64_t wanted = std::min(committed, after_totals());
  if (wanted < offsets_.low && committed > after_totals()) {
    return go_on_at_low(fmt::format(
        "{}: the group's offset, {}, was set by hand or by a version before, and the newest total "
        "includes the payment at offset {}: those between, up to offset {}, have been removed, and "
        "may be in no total",
        place(), committed, facts_.newest_total, offsets_.low - 1));
  }
  base::Result<PartitionStart> start = from(wanted);
  if (start) start->is_unsigned = start->warning.empty();
  return start;
}

base::Result<PartitionStart> Judge::start_with_missing() const {
  if (all_there()) {
    const bool stop = context_.on_data_loss == OnDataLoss::kStop;
    return PartitionStart{.offset = 0, .made_again = !stop, .missing = stop};
  }
  return go_on_at_low(fmt::format(
      "kafka:{}: partition {}: totals are missing, there are {} users with {} payments and there "
      "were {} with {}; kafka:{} begins at offset {}, so what the payments before that had given "
      "is lost",
      topics_.stats, offsets_.partition, facts_.table.users, facts_.table.count,
      offsets_.signature->table.users, offsets_.signature->table.count, topics_.payments,
      offsets_.low));
}

// `first` is the first of `partitions`. One command is enough for all members where all payments of
// all partitions are there, as far as this one knows: what totals include is skipped in any of
// them.
std::string describe_missing(const std::vector<int32_t>& partitions, const PartitionFacts& first,
                             bool all_there, const StartContext& context) {
  std::string numbers;
  for (const int32_t partition : partitions) {
    numbers += (numbers.empty() ? ":" : ",") + std::to_string(partition);
  }
  if (all_there) numbers.clear();
  return fmt::format(
      "kafka:{}: totals are missing in {}: partition {} has {} users with {} payments, and had {} "
      "with {}; all payments are there, so they are made again by a new start after this: with all "
      "members of the group stopped for their session, 10 s unless it was set (before that Kafka's "
      "tool prints an error, changes nothing, and exits 0), {}kafka-consumer-groups.sh "
      "{} --group {} --reset-offsets --to-earliest --topic {} --execute",
      context.topics.stats, name_all(partitions), partitions.front(), first.table.users,
      first.table.count, first.offsets.signature->table.users, first.offsets.signature->table.count,
      all_there ? "" : "where each member names its own partitions, ", context.tool_options,
      base::shell_word(context.group), base::shell_word(context.topics.payments + numbers));
}

}  // namespace

bool wants_second_look(const PartitionFacts& facts) {
  const kafka::PartitionOffsets& offsets = facts.offsets;
  if (facts.newest_total >= offsets.high) return true;
  if (offsets.committed && *offsets.committed > offsets.high) return true;
  return offsets.signature && facts.newest_total >= *offsets.committed;
}

base::Result<TopicStarts> choose_starts(std::span<const PartitionFacts> facts,
                                        const StartContext& context) {
  TopicStarts starts;
  std::vector<int32_t> missing;
  std::vector<int32_t> is_unsigned;
  std::vector<int32_t> all_again;
  std::vector<int32_t> made_again;
  std::vector<int32_t> made_first;
  std::vector<int32_t> marker_gone;
  const PartitionFacts* first_missing = nullptr;
  for (const PartitionFacts& each : facts) {
    const int32_t partition = each.offsets.partition;
    base::Result<PartitionStart> start = Judge(each, context).start();
    if (!start) return base::fail(start.error());
    if (start->missing) {
      if (first_missing == nullptr) first_missing = &each;
      missing.push_back(partition);
    }
    if (start->is_unsigned) is_unsigned.push_back(partition);
    if (start->all_again) all_again.push_back(partition);
    if (start->made_again) made_again.push_back(partition);
    if (start->made_first) made_first.push_back(partition);
    if (start->marker_gone) marker_gone.push_back(partition);
    if (!start->warning.empty()) starts.warnings.push_back(std::move(start->warning));
    const int64_t high = each.again ? each.again->high : each.offsets.high;
    starts.starts.push_back({partition, std::min(start->offset, high)});
  }
  if (first_missing != nullptr) {
    const bool all_there =
        std::ranges::all_of(facts, [](const auto& each) { return each.offsets.low == 0; });
    return refuse(describe_missing(missing, *first_missing, all_there, context));
  }
  if (!made_again.empty()) {
    starts.warnings.push_back(
        fmt::format("kafka:{}: {}: totals that were there are gone, and are made again from all "
                    "payments",
                    context.topics.stats, name_all(made_again)));
  }
  if (!made_first.empty()) {
    starts.warnings.push_back(
        fmt::format("kafka:{}: {}: the group has read payments, and there are no totals: they are "
                    "made from all payments",
                    context.topics.stats, name_all(made_first)));
  }
  if (!marker_gone.empty()) {
    starts.notes.push_back(fmt::format(
        "kafka:{}: {}: all payments that were read have been removed, and with them the "
        "end of the last transaction; none is missed",
        context.topics.payments, name_all(marker_gone)));
  }
  const auto note_unsigned = [&](const std::vector<int32_t>& partitions, const char* what) {
    if (partitions.empty()) return;
    starts.notes.push_back(fmt::format(
        "kafka:{}: {}: the group's offset was set by hand or by a version before; {}, and what a "
        "total includes is skipped",
        context.topics.payments, name_all(partitions), what));
  };
  note_unsigned(is_unsigned, "reading begins where nothing is missed");
  note_unsigned(all_again, "all payments are read again");
  return starts;
}

base::Result<void> judge_companion(const kafka::SignedOffset& offset, const StartContext& context) {
  if (!offset.signature || !has_read(*offset.signature)) return {};
  const std::string& output = offset.signature->output;
  const std::string place =
      fmt::format("kafka:{}: partition {}", context.topics.payments, offset.partition);
  if (!output.empty() && output != context.topics.stats) {
    return refuse(fmt::format(
        "{}: another member of group {} writes its totals to kafka:{}, and this one to kafka:{}: "
        "each topic lacks what the other has; give each of the two a new output topic and a group "
        "of its own",
        place, context.group, output, context.topics.stats));
  }
  if (offset.signature->options == context.origin.options) return {};
  return refuse(fmt::format(
      "{}: another member of group {} makes its totals with other options (--user-field, "
      "--amount-field, --volume-field, --schema-registry-framing), and both have written to "
      "kafka:{}; give all members the same ones, a new output topic and a new group",
      place, context.group, context.topics.stats));
}

base::Error describe_other_topic(const kafka::TopicLoss& loss, const StartContext& context) {
  return {.message = loss.what + "; " + has_totals_of_before(context.topics),
          .kind = base::ErrorKind::kMustNotGoOn};
}

base::Result<std::string> judge_gone(const GoneFacts& facts, const StartContext& context) {
  const kafka::PartitionEnds& ends = facts.ends;
  const TopicNames& topics = context.topics;
  const std::string place = fmt::format("kafka:{}: partition {}", topics.payments, ends.partition);
  if (facts.wanted > ends.high) {
    return refuse_anew(fmt::format("{}: the next payment to read is at offset {}, but the topic "
                                   "ends at offset {}",
                                   place, facts.wanted, ends.high),
                       topics);
  }
  if (facts.last == LastMessage::kOther) {
    return refuse_anew(fmt::format("{}: the last message that was read, before offset {}, is not "
                                   "in the topic any more",
                                   place, facts.wanted),
                       topics);
  }
  if (facts.wanted >= ends.low || (facts.before_marker && facts.wanted + 1 == ends.low)) {
    return std::string();
  }
  return judge_loss(describe_gap(topics, ends.partition, facts.wanted, ends.low),
                    facts.last == LastMessage::kUnchecked, context.on_data_loss);
}

}  // namespace paystats::topics
