#include "requests/payer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kafka/restore.h"
#include "kafka/topics.h"

namespace paystats::requests {
namespace {

// A block of requests is paid by transactions of about so many payments.
constexpr uint64_t kTransactionPayments = 100'000;
constexpr size_t kBlockMessages = 1024;

// A server that has crashed is followed by another one before its clients' time is over.
constexpr base::Duration kSessionTimeout = std::chrono::seconds(6);

constexpr int kAttempts = 4;  // of one transaction, before the group is joined anew

constexpr base::Duration kBetweenFailures = std::chrono::milliseconds(100);
constexpr int kFailuresUntold = 3;  // in a row, which a broker's restart may cause

bool is_interrupted(const base::Error& error) {
  return error.kind == base::ErrorKind::kInterrupted;
}

}  // namespace

Payer::Payer(PayerOptions options, kafka::Cluster& cluster, AnswerBook& book)
    : options_(std::move(options)),
      cluster_(cluster),
      book_(book),
      waiter_(cluster.stop(), cluster.context().clock) {}

Payer::~Payer() = default;

base::Result<void> Payer::run() {
  // The writer first: it settles what a predecessor of this name has left open.
  base::Result<std::unique_ptr<kafka::RequestWriter>> writer = kafka::RequestWriter::open(
      cluster_, {.requests_topic = options_.topics.requests,
                 .payments_topic = options_.topics.payments,
                 .answers_topic = options_.topics.answers,
                 .transactional_id = kafka::transactional_id(options_.group, options_.instance)});
  base::Result<void> done = writer ? base::Result<void>() : base::fail(writer.error());
  if (writer) {
    writer_ = std::move(*writer);
    done = loop();
  }
  if (consumer_) consumer_->close();
  if (!done && is_interrupted(done.error()) && cluster_.stop().requested()) return {};
  return done;
}

// Membership under the same name: the partitions come back at once, and with them what was
// committed.
base::Result<void> Payer::join() {
  if (consumer_) consumer_->close();
  consumer_.reset();
  base::Result<std::unique_ptr<kafka::GroupConsumer>> consumer = kafka::GroupConsumer::open(
      cluster_,
      {.topic = options_.topics.requests,
       .group = options_.group,
       .instance = options_.instance,
       .when_made_anew = "one that is made anew needs another topic of answers, too: "
                         "name a new pair (--requests, --answers)",
       .in_transactions = true,
       .block_messages = kBlockMessages,
       .session_timeout = kSessionTimeout},
      *this, waiter_);
  if (!consumer) return base::fail(consumer.error());
  consumer_ = std::move(*consumer);
  return consumer_->join();
}

base::Result<void> Payer::loop() {
  if (base::Result<void> joined = join(); !joined) return joined;
  for (;;) {
    io::MessageBlock block;
    const base::Result<io::ReadStatus> status = consumer_->read(block, io::kForever);
    if (!status) return base::fail(status.error());
    if (*status == io::ReadStatus::kEnd) return {};
    if (*status != io::ReadStatus::kBlock) continue;
    const base::Result<bool> paid = pay(block);
    if (!paid) return base::fail(paid.error());
    if (*paid) {
      failures_ = 0;
      continue;
    }
    tell_failure();
    const base::Instant next = cluster_.context().clock.now() + kBetweenFailures;
    const base::Result<io::Wake> waited = waiter_.wait_readable(-1, next);
    if (!waited) return base::fail(waited.error());
    if (base::Result<void> joined = join(); !joined) return joined;
  }
}

void Payer::tell_failure() {
  base::Diagnostics& diagnostics = cluster_.context().diagnostics;
  const std::string text =
      fmt::format("kafka:{}: requests could not be paid, and are read again: {}",
                  options_.topics.requests, writer_->why());
  if (++failures_ == kFailuresUntold) {
    diagnostics.warning(text);
  } else {
    diagnostics.detail(text);
  }
}

bool Payer::is_foreign(const RequestMessage& request) const {
  return (!request.output.empty() && request.output != options_.topics.payments) ||
         (!request.answers.empty() && request.answers != options_.topics.answers);
}

std::string Payer::foreign_output(const RequestMessage& request) const {
  return fmt::format(
      "kafka:{}: partition {}, offset {}: a request for kafka:{} with answers in kafka:{}, but "
      "this server writes to kafka:{} and kafka:{}: each output needs a pair of topics of its own, "
      "and all its servers the same (--requests, --answers)",
      options_.topics.requests, request.at.partition, request.at.offset, request.output,
      request.answers, options_.topics.payments, options_.topics.answers);
}

// False: it has to be made again.
base::Result<bool> Payer::pay(const io::MessageBlock& block) {
  std::vector<RequestMessage> requests;
  uint64_t payments = 0;
  for (const io::Message& message : block.messages) {
    RequestMessage request = decoder_.decode(message);
    if (is_foreign(request)) {
      return base::fail(foreign_output(request), base::ErrorKind::kMustNotGoOn);
    }
    if (!requests.empty() && payments + request.count > kTransactionPayments) {
      base::Result<bool> paid = pay_together(requests);
      if (!paid || !*paid) return paid;
      requests.clear();
      payments = 0;
    }
    payments += request.count;
    requests.push_back(std::move(request));
  }
  return requests.empty() ? base::Result<bool>(true) : pay_together(requests);
}

// What is certainly undone is made again from what has been read, a few times: librdkafka 2.0.2 may
// undo the transaction behind one that was undone, too. Of several requests that the output refuses
// each is paid by itself, and answered with the error if that is refused as well.
base::Result<bool> Payer::pay_together(std::span<const RequestMessage> requests) {
  std::string refused;
  for (int attempts = 0; attempts < kAttempts; ++attempts) {
    base::Result<bool> committed = pay_once(requests, refused);
    if (!committed || *committed || !writer_->undone()) return committed;
    if (!writer_->refused() || !refused.empty()) continue;
    if (requests.size() == 1) {
      refused = writer_->why();
      attempts = 0;
      continue;
    }
    for (const RequestMessage& request : requests) {
      base::Result<bool> paid = pay_together({&request, 1});
      if (!paid || !*paid) return paid;
    }
    return true;
  }
  return false;
}

// `refused`: why the output does not take the request, which is to be told.
base::Result<bool> Payer::pay_once(std::span<const RequestMessage> requests,
                                   const std::string& refused) {
  answers_.clear();
  paid_.clear();
  if (base::Result<void> written = write(requests, refused); !written)
    return base::fail(written.error());
  base::Result<bool> committed = writer_->commit();
  // Before anything else is decided: what has been paid is known.
  if (committed && *committed) book_.learn(answers_);
  return committed;
}

base::Result<void> Payer::write(std::span<const RequestMessage> requests,
                                const std::string& refused) {
  std::map<int32_t, int64_t> next;
  for (const RequestMessage& request : requests) next[request.at.partition] = request.at.offset + 1;
  std::vector<record::SourceOffset> offsets;
  offsets.reserve(next.size());
  for (const auto& [partition, offset] : next) offsets.push_back({partition, offset});
  if (base::Result<void> begun = writer_->begin(offsets, *consumer_); !begun) return begun;
  for (const RequestMessage& request : requests) {
    base::Result<Answer> answer = settle(request, refused);
    if (!answer) return base::fail(answer.error());
    base::Result<void> answered =
        writer_->answer(request.at.partition, answer->key, answer_text(*answer));
    if (!answered) return answered;
    answers_.push_back(std::move(*answer));
  }
  return {};
}

Answer Payer::error_answer(const RequestMessage& request, std::string error) const {
  cluster_.context().diagnostics.warning(
      fmt::format("kafka:{}: partition {}, offset {}: {}: it is not paid", options_.topics.requests,
                  request.at.partition, request.at.offset, error));
  return {.key = std::string(request.key),
          .name = request.name,
          .error = std::move(error),
          .offset = request.at.offset};
}

// What was paid for the key, by this transaction or before.
std::optional<AnswerBook::Known> Payer::known(std::string_view key) const {
  const auto paid = paid_.find(std::string(key));
  return paid != paid_.end() ? std::optional(paid->second) : book_.find(key);
}

// Pays the request if it is the first of its key.
base::Result<Answer> Payer::settle(const RequestMessage& request, const std::string& refused) {
  if (request.kind == RequestMessage::Kind::kBad) return error_answer(request, request.error);
  Answer answer{.key = std::string(request.key), .offset = request.at.offset};
  if (const std::optional<AnswerBook::Known> before = known(request.key)) {
    answer.count = before->count;
    answer.digest = before->digest;
    return answer;
  }
  if (request.kind == RequestMessage::Kind::kQuestion) {
    answer.name = request.name;
    return answer;
  }
  if (!refused.empty()) {
    return error_answer(request,
                        fmt::format("kafka:{} refuses it: {}", options_.topics.payments, refused));
  }
  for (const record::Batch& batch : request.batches) {
    if (base::Result<void> paid = writer_->pay(batch); !paid) return base::fail(paid.error());
  }
  answer.count = request.count;
  answer.digest = request.digest;
  paid_.emplace(answer.key, AnswerBook::Known{.digest = answer.digest, .count = answer.count});
  return answer;
}

// Of each partition the last request that has an answer. The book has all answers of these
// partitions then: the members that owned them before are fenced, so no answer of theirs can
// follow.
base::Result<std::map<int32_t, int64_t>> Payer::restore(
    std::span<const kafka::PartitionOffsets> partitions) {
  std::vector<int32_t> numbers;
  for (const kafka::PartitionOffsets& offsets : partitions) numbers.push_back(offsets.partition);
  std::map<int32_t, int64_t> answered;
  std::vector<keys::KeyOutcome> paid;
  base::Result<void> read = kafka::read_back(
      cluster_, {options_.topics.answers, numbers}, [&](const io::MessageBlock& block) {
        for (const io::Message& message : block.messages) {
          const std::optional<Answer> answer = read_answer(message);
          if (!answer) {
            return base::Result<void>(base::fail(
                fmt::format("kafka:{}: partition {}, offset {}: not an answer: the topic is to be "
                            "written by paystats-serve alone; name a new pair of topics "
                            "(--requests, --answers)",
                            options_.topics.answers, message.at.partition, message.at.offset),
                base::ErrorKind::kMustNotGoOn));
          }
          int64_t& last = answered.try_emplace(message.at.partition, answer->offset).first->second;
          last = std::max(last, answer->offset);
          if (answer->count > 0) paid.push_back(AnswerBook::entry_of(*answer));
        }
        return base::Result<void>();
      });
  if (!read) return base::fail(read.error());
  book_.learn_past(std::move(paid));
  return answered;
}

base::Result<std::vector<kafka::SignedOffset>> Payer::on_assigned(
    std::span<const kafka::PartitionOffsets> partitions) {
  // Requests may have been given more partitions, and answers not.
  const bool are_new = std::ranges::any_of(
      partitions, [this](const auto& each) { return each.partition >= options_.partitions; });
  if (are_new) {
    base::Result<void> grown = kafka::check_grown(cluster_, options_.topics.requests,
                                                  options_.topics.answers, kAnswersGoByNumber);
    if (!grown) return base::fail(grown.error());
    writer_->look_for_partitions();
  }
  const base::Result<std::map<int32_t, int64_t>> answered = restore(partitions);
  if (!answered) return base::fail(answered.error());
  std::vector<PartitionFacts> assigned;
  std::vector<int32_t> overtaken;
  for (const kafka::PartitionOffsets& offsets : partitions) {
    PartitionFacts facts{.partition = offsets.partition,
                         .low = offsets.low,
                         .high = offsets.high,
                         .committed = offsets.committed};
    const auto last = answered->find(offsets.partition);
    if (last != answered->end()) facts.answered = last->second;
    if (facts.answered.value_or(-1) >= facts.high) overtaken.push_back(facts.partition);
    assigned.push_back(facts);
  }
  // Until it was fenced another may have answered what came since the ends were asked for.
  const base::Result<std::vector<kafka::PartitionEnds>> ends = consumer_->ask_ends(overtaken);
  if (!ends) return base::fail(ends.error());
  std::vector<kafka::SignedOffset> starts;
  for (PartitionFacts& facts : assigned) {
    const auto now = std::ranges::find(*ends, facts.partition, &kafka::PartitionEnds::partition);
    if (now != ends->end()) facts.high = now->high;
    const base::Result<RequestStart> start = choose_start(facts, options_.topics);
    if (!start) return base::fail(start.error());
    base::Diagnostics& diagnostics = cluster_.context().diagnostics;
    if (!start->warning.empty()) diagnostics.warning(start->warning);
    diagnostics.detail(fmt::format("kafka:{}: partition {} from offset {}",
                                   options_.topics.requests, facts.partition, start->offset));
    starts.push_back({facts.partition, start->offset});
  }
  return starts;
}

base::Result<void> Payer::on_revoked(bool lost) {
  cluster_.context().diagnostics.detail(fmt::format(
      "kafka:{}: partitions {}", options_.topics.requests, lost ? "lost" : "given back"));
  return {};
}

base::Result<bool> Payer::on_gone(int64_t wanted, const kafka::PartitionEnds& ends) {
  const base::Result<RequestStart> start = choose_start(
      {.partition = ends.partition, .low = ends.low, .high = ends.high, .committed = wanted},
      options_.topics);
  if (!start) return base::fail(start.error());
  if (wanted < ends.low) {
    cluster_.context().diagnostics.warning(
        describe_gap(options_.topics, ends.partition, wanted, ends.low));
  }
  return true;
}

}  // namespace paystats::requests
