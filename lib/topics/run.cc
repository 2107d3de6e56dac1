#include "topics/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/progress.h"
#include "base/threads.h"
#include "io/reject_log.h"
#include "kafka/slots.h"
#include "kafka/topics.h"
#include "stream/metrics.h"
#include "topics/job.h"
#include "topics/requirements.h"
#include "topics/signature.h"
#include "totals/user_hash.h"

namespace paystats::topics {
namespace {

constexpr base::Duration kLookInterval = std::chrono::seconds(1);
constexpr base::Duration kProgressInterval = std::chrono::milliseconds(200);

void tell_guarantee(const TopicRunOptions& options, base::Diagnostics& diagnostics) {
  const TopicNames& topics = options.topics;
  if (options.guarantee == Guarantee::kExactlyOnce) {
    diagnostics.note(fmt::format(
        "exactly once: totals in kafka:{} and the group's offsets in kafka:{} are committed in one "
        "transaction{}",
        topics.stats, topics.payments,
        options.rejects && options.rejects->kind != io::Endpoint::Kind::kTopic
            ? "; rejects are written at least once, since they go to no topic"
            : ""));
  } else {
    diagnostics.note(fmt::format(
        "at least once: totals are written to kafka:{} before the offsets of kafka:{}; after a "
        "crash payments are read again, and skipped where a total includes them",
        topics.stats, topics.payments));
  }
}

// Everything of one job that its thread uses.
struct Job {
  TopicJobOptions options;
  std::optional<kafka::Slot> slot;
  PendingRejects pending_rejects;
  std::unique_ptr<io::RejectLog> own_rejects;  // where they go to a topic
  TopicCounters counters;
  std::unique_ptr<TopicJob> work;
  base::Thread thread;
};

class TopicRun {
 public:
  TopicRun(const TopicRunOptions& options, kafka::Cluster& cluster, const base::RunContext& context)
      : options_(options),
        cluster_(cluster),
        context_(context),
        metrics_(options.metrics, context.clock, context.diagnostics),
        progress_(context.diagnostics, context.clock, context.progress) {}

  base::Result<base::ExitStatus> run();

 private:
  base::Result<void> prepare(int32_t partitions);
  base::Result<void> name(Job& job, size_t number);
  void start(size_t number);
  bool all_ended() const PAYSTATS_REQUIRES(mutex_);
  void wait();
  void tell();
  stream::Counters counters() const;
  base::Result<base::ExitStatus> conclude();

  const TopicRunOptions& options_;
  kafka::Cluster& cluster_;
  const base::RunContext& context_;
  stream::MetricsFile metrics_;
  base::Progress progress_;
  std::unique_ptr<io::RejectLog> rejects_;  // where they go to no topic
  std::vector<std::unique_ptr<Job>> jobs_;
  base::Mutex mutex_;
  // Of each job, in their order.
  std::vector<std::optional<base::Result<void>>> outcomes_ PAYSTATS_GUARDED_BY(mutex_);
  base::CondVar ended_;
  std::optional<std::latch> opened_;  // by all jobs
};

base::Result<base::ExitStatus> TopicRun::run() {
  const base::Result<int32_t> partitions = check_topics(cluster_, options_.topics);
  if (!partitions) return base::fail(partitions.error());
  if (base::Result<void> prepared = prepare(*partitions); !prepared)
    return base::fail(prepared.error());
  tell_guarantee(options_, context_.diagnostics);
  if (base::Result<void> started = metrics_.start(); !started) return base::fail(started.error());
  opened_.emplace(static_cast<ptrdiff_t>(jobs_.size()));
  {
    const base::MutexLock lock(mutex_);
    outcomes_.resize(jobs_.size());
  }
  for (size_t number = 0; number < jobs_.size(); ++number) start(number);
  wait();
  return conclude();
}

base::Result<void> TopicRun::prepare(int32_t partitions) {
  const uint64_t count = options_.jobs;
  if (count > static_cast<uint64_t>(partitions)) {
    context_.diagnostics.warning(fmt::format(
        "--jobs {}: kafka:{} has {} partitions, so {} of them have nothing to do", count,
        options_.topics.payments, partitions, count - static_cast<uint64_t>(partitions)));
  }
  const bool rejects_to_topic =
      options_.rejects && options_.rejects->kind == io::Endpoint::Kind::kTopic;
  if (rejects_to_topic) {
    const base::Result<int32_t> topic =
        kafka::require_topic(cluster_, {.name = options_.rejects->name});
    if (!topic) return base::fail(topic.error());
  } else {
    base::Result<std::unique_ptr<io::RejectLog>> opened =
        io::RejectLog::open(options_.rejects, context_.diagnostics);
    if (!opened) return base::fail(opened.error());
    rejects_ = std::move(*opened);
  }
  const base::Result<std::string> cluster_id = kafka::cluster_id(cluster_);
  if (!cluster_id) return base::fail(cluster_id.error());
  const uint64_t seed = base::random_hash_seed();
  for (size_t number = 0; number < count; ++number) {
    auto job = std::make_unique<Job>();
    job->options = {
        .topics = options_.topics,
        .group = options_.group,
        .instance = {},
        .is_first = number == 0,
        .partitions = partitions,
        .rejects_topic = {},
        .guarantee = options_.guarantee,
        .on_data_loss = options_.on_data_loss,
        .available_now = options_.available_now,
        .publish = {.trigger = options_.trigger,
                    .origin = {.cluster_id = *cluster_id,
                               .output = options_.topics.stats,
                               .options = options_hash(options_.fields, options_.framing)}},
        .fields = options_.fields,
        .framing = options_.framing,
        .users_max = options_.users_max,
        .hash_seed = seed};
    if (base::Result<void> named = name(*job, number); !named) return named;
    if (rejects_to_topic) {
      job->options.rejects_topic = options_.rejects->name;
      job->own_rejects = std::make_unique<io::RejectLog>(
          context_.diagnostics, std::make_unique<PendingLines>(job->pending_rejects),
          "kafka:" + options_.rejects->name);
    }
    io::RejectLog& rejects = job->own_rejects ? *job->own_rejects : *rejects_;
    job->work = std::make_unique<TopicJob>(
        job->options,
        TopicJobContext{cluster_, rejects, job->pending_rejects, job->counters, context_});
    jobs_.push_back(std::move(job));
  }
  return {};
}

// A name that the next run will have as well: Kafka then clears at once what this one leaves.
base::Result<void> TopicRun::name(Job& job, size_t number) {
  if (options_.instance) {
    job.options.instance =
        number == 0 ? *options_.instance : fmt::format("{}.{}", *options_.instance, number);
    return {};
  }
  base::Result<kafka::Slot> slot = kafka::Slot::take(options_.group);
  if (!slot) return base::fail(slot.error());
  job.slot = std::move(*slot);
  job.options.instance = job.slot->name();
  return {};
}

void TopicRun::start(size_t number) {
  Job& job = *jobs_[number];
  const auto end = [this, number](base::Result<void> outcome) {
    const base::MutexLock lock(mutex_);
    // The others would go on with their partitions, and nobody would see that one is missing.
    if (!outcome) context_.stop.request(SIGTERM);
    outcomes_[number] = std::move(outcome);
    ended_.notify_all();
  };
  base::Result<base::Thread> thread = base::start_thread([this, &job, end] {
    const base::Result<void> opened = job.work->open();
    if (!opened) end(opened);
    // They join the group at the same moment, or it would be formed anew for each of them.
    opened_->arrive_and_wait();
    if (opened) end(job.work->run());
  });
  if (thread) {
    job.thread = std::move(*thread);
  } else {
    end(base::fail(thread.error()));
    opened_->count_down();
  }
}

bool TopicRun::all_ended() const {
  return std::all_of(outcomes_.begin(), outcomes_.end(),
                     [](const auto& outcome) { return outcome.has_value(); });
}

void TopicRun::wait() {
  const base::Duration interval = context_.progress ? kProgressInterval : kLookInterval;
  base::MutexLock lock(mutex_);
  const auto next_look = [interval] { return std::chrono::steady_clock::now() + interval; };
  for (auto look = next_look(); !all_ended();) {
    if (ended_.wait_until(lock, look)) continue;
    if (all_ended()) break;
    tell();
    look = next_look();
  }
  lock.unlock();
  for (const auto& job : jobs_) {
    if (job->thread.joinable()) job->thread.join();
  }
}

stream::Counters TopicRun::counters() const {
  stream::Counters sum{.records_rejected = rejects_ ? rejects_->count() : 0,
                       .caught_up = true,
                       .topics = stream::TopicFigures{}};
  for (const auto& job : jobs_) {
    const TopicCounters& each = job->counters;
    sum.records_accepted += each.accepted;
    sum.bytes_read += each.bytes;
    sum.users += each.users;
    sum.triggers += each.commits;
    sum.caught_up = sum.caught_up && each.caught_up;
    if (job->own_rejects) sum.records_rejected += job->own_rejects->count();
    sum.topics->skipped += each.skipped;
    sum.topics->commits_failed += each.commits_failed;
    sum.topics->partitions += each.partitions;
    sum.topics->lag += each.lag;
    sum.topics->hidden += each.hidden;
    sum.topics->hidden_s = std::max<uint64_t>(sum.topics->hidden_s, each.hidden_s);
    sum.topics->restored += each.restored;
    sum.topics->to_restore += each.to_restore;
  }
  return sum;
}

void TopicRun::tell() {
  const stream::Counters now = counters();
  metrics_.update(now);
  const uint64_t read = now.records_accepted + now.records_rejected;
  if (now.topics->restored < now.topics->to_restore) {
    progress_.update(now.topics->restored, now.topics->restored, now.topics->to_restore);
  } else {
    progress_.update(read, read, read + now.topics->lag);
  }
}

base::Result<base::ExitStatus> TopicRun::conclude() {
  progress_.clear();
  base::Result<void> outcome;
  base::ExitStatus status = base::ExitStatus::kDone;
  const auto finish = [&](io::RejectLog& log) {
    const base::Result<void> told = log.finish();
    if (outcome && !told) outcome = told;
    if (log.count() > 0) status = base::ExitStatus::kRejected;
  };
  {
    // An error is what has stopped the other jobs, too.
    const base::MutexLock lock(mutex_);
    for (const auto& ended : outcomes_) {
      if (*ended) continue;
      outcome =
          base::fail(outcome ? ended->error() : base::graver(outcome.error(), ended->error()));
    }
  }
  if (rejects_) finish(*rejects_);
  for (const auto& job : jobs_) {
    if (job->own_rejects) finish(*job->own_rejects);
  }
  const base::Result<void> written = metrics_.finish(counters());
  if (outcome && !written) outcome = written;
  if (!outcome) return base::fail(outcome.error());
  return status;
}

}  // namespace

base::Result<base::ExitStatus> run_topics(const TopicRunOptions& options, kafka::Cluster& cluster,
                                          const base::RunContext& context) {
  base::Result<base::ExitStatus> end = TopicRun(options, cluster, context).run();
  // Stopped while it waits for a broker, it has begun nothing.
  if (!end && end.error().kind == base::ErrorKind::kInterrupted) {
    return base::ExitStatus::kDone;
  }
  return end;
}

}  // namespace paystats::topics
