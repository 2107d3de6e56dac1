#include "requests/service.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/stop.h"
#include "base/threads.h"
#include "base/utc_text.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/message_sender.h"
#include "kafka/slots.h"
#include "kafka/topic_source.h"
#include "keys/keyed_lines.h"
#include "record/encoder.h"
#include "requests/answer_book.h"
#include "requests/format.h"
#include "requests/payer.h"
#include "requests/topics.h"

namespace paystats::requests {
namespace {

// Failed deliveries are looked for this often.
constexpr base::Duration kLookInterval = std::chrono::milliseconds(250);
// While requests are not taken.
constexpr base::Duration kProbeInterval = std::chrono::seconds(1);
// An answer that has not come by then is awaited no longer; its client was told long ago.
constexpr base::Duration kForgetAfter = std::chrono::minutes(5);
// For the two threads to end.
constexpr base::Duration kStopLimit = std::chrono::seconds(3);

// Of a line that append_request() has written.
constexpr std::string_view kLineEnd = "}\n";

// What the threads use. They share it, since one that is stuck outlives the service.
struct Shared {
  Shared(ServiceOptions the_options, const base::RunContext& the_context)
      : options(std::move(the_options)),
        context(the_context),
        book(options.limits, context.clock) {}

  const ServiceOptions options;
  const base::RunContext context;
  AnswerBook book;
  PayerOptions payer;
  std::optional<kafka::Slot> slot;  // that `payer` has its name of
  std::unique_ptr<base::StopFlag> stop;
  std::unique_ptr<kafka::Cluster> cluster;  // ended by `stop`
  std::unique_ptr<kafka::MessageSender> sender;
  std::function<void()> on_takes_again;
  std::function<void(const base::Error&)> on_broken;

  // Of the thread that reads answers: when to ask whether requests are taken again; none was
  // refused since: nothing.
  std::optional<base::Instant> next_probe;

  base::Mutex mutex;
  base::CondVar ended;
  int running PAYSTATS_GUARDED_BY(mutex) = 0;

  void end_thread(const base::Result<void>& outcome) {
    if (!outcome) on_broken(outcome.error());
    const base::MutexLock lock(mutex);
    --running;
    ended.notify_all();
  }

  base::Result<void> read_answers();
  base::Result<void> look_for_failures();
  void probe();
};

// A message that was surely not written is not paid. Another may still come to the broker, and be
// answered: it is awaited as before.
base::Result<void> Shared::look_for_failures() {
  const base::Result<std::vector<kafka::MessageSender::Failure>> failures = sender->failures();
  if (!failures) return base::fail(failures.error());
  for (const kafka::MessageSender::Failure& failure : *failures) {
    context.diagnostics.detail(fmt::format("kafka:{}: a request was not delivered: {}",
                                           options.topics.requests, failure.why));
    if (failure.maybe_written) continue;
    book.fail(failure.number, io::KeyedOutcome::Kind::kNotTaken);
    next_probe = context.clock.now() + kProbeInterval;
  }
  return {};
}

// So that it is told without a request: nobody may send one to a server that takes none.
void Shared::probe() {
  if (!next_probe || context.clock.now() < *next_probe) return;
  next_probe = context.clock.now() + kProbeInterval;
  if (!sender->is_answered()) return;
  next_probe.reset();
  on_takes_again();
}

base::Result<void> Shared::read_answers() {
  const io::Waiter waiter(*stop, context.clock);
  base::Result<std::unique_ptr<io::MessageSource>> source =
      kafka::open_topic_source(*cluster, options.topics.answers, {}, waiter);
  if (!source) return base::fail(source.error());
  bool caught_up = false;
  std::vector<keys::KeyOutcome> past;
  std::vector<Answer> answers;
  for (;;) {
    if (!caught_up && (*source)->caught_up()) {
      caught_up = true;
      book.learn_past(std::exchange(past, {}));
    }
    io::MessageBlock block;
    const base::Result<io::ReadStatus> status =
        (*source)->read(block, context.clock.now() + kLookInterval);
    if (!status) return base::fail(status.error());
    if (*status == io::ReadStatus::kEnd) return {};
    answers.clear();
    for (const io::Message& message : block.messages) {
      std::optional<Answer> answer = read_answer(message);
      if (!answer) continue;
      if (!caught_up && answer->count > 0) {
        past.push_back(AnswerBook::entry_of(*answer));
      } else {
        answers.push_back(std::move(*answer));
      }
    }
    book.learn(answers);
    if (base::Result<void> looked = look_for_failures(); !looked) return looked;
    probe();
    book.expire(kForgetAfter);
  }
}

class RequestService final : public io::KeyedRequests {
 public:
  explicit RequestService(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~RequestService() override { stop(); }

  base::Result<void> start(Handlers handlers) override;
  std::optional<io::KeyedOutcome> submit(uint64_t id, const record::Request& request) override;
  std::optional<io::KeyedOutcome> ask(uint64_t id, std::string_view key) override;
  uint64_t payments_max() const override { return kPaymentsMax; }
  size_t line_bytes_max() const override {
    const size_t bytes =
        std::min(shared_->options.request_bytes_max, shared_->sender->message_bytes_max());
    return bytes - std::min(bytes, kLastFieldsMax);
  }
  keys::KeyFigures figures() const override { return shared_->book.figures(instance_); }
  bool stop() override;

 private:
  base::Result<void> start_thread(std::function<base::Result<void>()> work);
  std::optional<io::KeyedOutcome> send(uint64_t id, std::string_view key, std::string_view text);
  std::string next_name() { return fmt::format("{:x}-{}", seed_, ++names_); }

  const std::shared_ptr<Shared> shared_;
  const uint64_t seed_ = base::random_hash_seed();  // of names that this process gives
  const uint64_t instance_ = base::long_hash(shared_->options.topics.answers).low;
  uint64_t names_ = 0;
  std::string line_;  // reused
  std::vector<base::Thread> threads_;
  bool detached_ = false;
};

base::Result<void> RequestService::start_thread(std::function<base::Result<void>()> work) {
  {
    const base::MutexLock lock(shared_->mutex);
    ++shared_->running;
  }
  base::Result<base::Thread> thread = base::start_thread(
      [shared = shared_, work = std::move(work)] { shared->end_thread(work()); });
  if (thread) {
    threads_.push_back(std::move(*thread));
    return {};
  }
  const base::MutexLock lock(shared_->mutex);
  --shared_->running;
  return base::fail(thread.error());
}

base::Result<void> RequestService::start(Handlers handlers) {
  shared_->book.set_on_outcomes(std::move(handlers.on_outcomes));
  shared_->on_takes_again = std::move(handlers.on_takes_again);
  shared_->on_broken = std::move(handlers.on_broken);
  Shared* const shared = shared_.get();
  base::Result<void> started = start_thread([shared] { return shared->read_answers(); });
  if (!started) return started;
  return start_thread(
      [shared] { return Payer(shared->payer, *shared->cluster, shared->book).run(); });
}

// From here on the request has begun.
std::optional<io::KeyedOutcome> RequestService::send(uint64_t id, std::string_view key,
                                                     std::string_view text) {
  if (shared_->sender->send(id, key, text)) return std::nullopt;
  shared_->book.drop(id);
  return io::KeyedOutcome{.id = id, .kind = io::KeyedOutcome::Kind::kNotTaken};
}

std::optional<io::KeyedOutcome> RequestService::submit(uint64_t id,
                                                       const record::Request& request) {
  const std::string_view key = request.idempotency_key;
  const keys::KeyedRequest keyed = keys::keyed_request(request);
  const std::string name = next_name();
  if (auto known = shared_->book.await(id, key, kept_of(keyed.payments), keyed.count, name)) {
    return known;
  }
  line_.clear();
  record::append_request(line_, request,
                         base::UtcText(shared_->context.clock.time_of_day()).view());
  line_.resize(line_.size() - kLineEnd.size());
  line_ += last_fields(shared_->options.topics.payments, shared_->options.topics.answers, name);
  return send(id, key, line_);
}

std::optional<io::KeyedOutcome> RequestService::ask(uint64_t id, std::string_view key) {
  const std::string name = next_name();
  if (auto known = shared_->book.await_question(id, key, name)) return known;
  return send(id, key, question_text(key, name));
}

bool RequestService::stop() {
  if (threads_.empty()) return !detached_;
  shared_->stop->request();
  base::MutexLock lock(shared_->mutex);
  const auto deadline = std::chrono::steady_clock::now() + kStopLimit;
  while (shared_->running > 0 && shared_->ended.wait_until(lock, deadline)) {
  }
  detached_ = shared_->running > 0;
  lock.unlock();
  for (base::Thread& thread : threads_) detached_ ? thread.detach() : thread.join();
  threads_.clear();
  return !detached_;
}

}  // namespace

base::Result<std::unique_ptr<io::KeyedRequests>> open_requests(const io::Endpoint& output,
                                                               const RequestsOptions& options,
                                                               kafka::EndpointOpener& opener) {
  const bool named = options.requests || options.answers;
  if (output.kind != io::Endpoint::Kind::kTopic) {
    if (!named) return std::unique_ptr<io::KeyedRequests>();
    return base::fail("--requests and --answers are for an output that is a topic");
  }
  const base::Result<kafka::Cluster*> cluster = opener.cluster();
  if (!cluster) return base::fail(cluster.error());
  const TopicNames topics = {.payments = output.name,
                             .requests = options.requests.value_or("payment-requests"),
                             .answers = options.answers.value_or("payment-answers")};
  const base::Result<TopicsCheck> check = check_topics(**cluster, topics, options.limits.memory);
  if (!check) return base::fail(check.error());
  if (check->usable) {
    return connect_requests({.topics = topics,
                             .instance = options.instance,
                             .limits = options.limits,
                             .request_bytes_max = check->request_bytes_max,
                             .partitions = check->partitions},
                            **cluster, opener.options());
  }
  const std::string missing = fmt::format("kafka:{}: there is no such topic", check->missing);
  if (named) return base::fail(missing + "; --create-topics makes it");
  (*cluster)->context().diagnostics.note(
      missing + ", so requests with an idempotency key are refused (--create-topics makes it)");
  return std::unique_ptr<io::KeyedRequests>();
}

base::Result<std::unique_ptr<io::KeyedRequests>> connect_requests(
    const ServiceOptions& options, kafka::Cluster& cluster, const kafka::KafkaOptions& kafka) {
  auto shared = std::make_shared<Shared>(options, cluster.context());
  shared->payer = {
      .topics = options.topics,
      .group = fmt::format("{}.{}", cluster.context().diagnostics.tool(), options.topics.requests),
      .instance = options.instance.value_or(""),
      .partitions = options.partitions};
  if (!options.instance) {
    base::Result<kafka::Slot> slot = kafka::Slot::take(shared->payer.group);
    if (!slot) return base::fail(slot.error());
    // Within the group, whose name it begins with.
    shared->payer.instance = slot->name().substr(shared->payer.group.size() + 1);
    shared->slot = std::move(*slot);
  }
  base::Result<std::unique_ptr<base::StopFlag>> stop = base::StopFlag::make();
  if (!stop) return base::fail(stop.error());
  shared->stop = std::move(*stop);
  base::Result<std::unique_ptr<kafka::Cluster>> own =
      kafka::Cluster::make(kafka, shared->context, shared->stop.get());
  if (!own) return base::fail(own.error());
  shared->cluster = std::move(*own);
  base::Result<std::unique_ptr<kafka::MessageSender>> sender =
      kafka::MessageSender::open(*shared->cluster, {.topic = options.topics.requests});
  if (!sender) return base::fail(sender.error());
  shared->sender = std::move(*sender);
  return std::unique_ptr<io::KeyedRequests>(std::make_unique<RequestService>(std::move(shared)));
}

}  // namespace paystats::requests
