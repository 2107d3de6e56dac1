// A member of the group that pays requests: what it is given of payment-requests becomes payments,
// and one answer for each request, in one transaction with the group's offset. The first request of
// a key is paid, each later one answered as the first was.
//
//   Payer payer(options, cluster, book);
//   Result<void> done = payer.run();          // until the cluster's stop
//
// The topic of answers is the state: a member given a partition reads its answers back, to their
// very end, and goes on behind the last request that has one. A transaction that was certainly
// undone is made again; one whose outcome is unknown from the topics, as by a new owner. One
// thread. Tested through requests/service.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "io/message_source.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/group_consumer.h"
#include "kafka/request_writer.h"
#include "requests/answer_book.h"
#include "requests/format.h"
#include "requests/start.h"

namespace paystats::requests {

struct PayerOptions {
  TopicNames topics;
  std::string group;
  std::string instance;            // the member's static name, and the end of its transactional id
  int32_t partitions = INT32_MAX;  // of requests and answers when they were checked
};

class Payer final : private kafka::PartitionOwner {
 public:
  // All but the options are borrowed.
  Payer(PayerOptions options, kafka::Cluster& cluster, AnswerBook& book);
  Payer(const Payer&) = delete;
  Payer& operator=(const Payer&) = delete;
  ~Payer() override;

  base::Result<void> run();

 private:
  base::Result<std::vector<kafka::SignedOffset>> on_assigned(
      std::span<const kafka::PartitionOffsets> partitions) override;
  base::Result<void> on_revoked(bool lost) override;
  base::Result<bool> on_gone(int64_t wanted, const kafka::PartitionEnds& ends) override;

  base::Result<void> join();
  base::Result<void> loop();
  base::Result<std::map<int32_t, int64_t>> restore(
      std::span<const kafka::PartitionOffsets> partitions);
  base::Result<bool> pay(const io::MessageBlock& block);
  base::Result<bool> pay_together(std::span<const RequestMessage> requests);
  base::Result<bool> pay_once(std::span<const RequestMessage> requests, const std::string& refused);
  base::Result<void> write(std::span<const RequestMessage> requests, const std::string& refused);
  base::Result<Answer> settle(const RequestMessage& request, const std::string& refused);
  std::optional<AnswerBook::Known> known(std::string_view key) const;
  Answer error_answer(const RequestMessage& request, std::string error) const;
  bool is_foreign(const RequestMessage& request) const;
  std::string foreign_output(const RequestMessage& request) const;
  void tell_failure();

  const PayerOptions options_;
  kafka::Cluster& cluster_;
  AnswerBook& book_;
  const io::Waiter waiter_;
  const RequestDecoder decoder_;
  std::unique_ptr<kafka::RequestWriter> writer_;
  std::unique_ptr<kafka::GroupConsumer> consumer_;
  // Of the transaction that is open: its answers, and what it pays for which key.
  std::vector<Answer> answers_;
  std::unordered_map<std::string, AnswerBook::Known> paid_;
  int failures_ = 0;  // in a row
};

}  // namespace paystats::requests
