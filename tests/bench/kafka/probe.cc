// How long a payment takes to be in the stats: sends payments at an even pace and waits for the
// stats record that includes each.
//
//   kafka_probe BROKERS PAYMENTS STATS PREFIX COUNT RATE WAIT_S
//
// Sends COUNT payments, RATE each second, of users PREFIX0 to PREFIX99 (who must be new to both
// topics), and reads STATS as read_committed from its end at the start on. The n-th payment of a
// user has arrived when a record of it counts n or more. Where both topics are the same, arrived
// is what comes back: the floor. Prints "ready" when it has begun to send, and at the end, or
// WAIT_S seconds after the last payment, a line for each payment: when it was sent and when it
// arrived (0: never), in nanoseconds of the monotonic clock.
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "client.h"
#include "record/decoder.h"
#include "record/encoder.h"

namespace paystats::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kUsers = 100;

int64_t nanoseconds(Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// What was sent and what has arrived. Two threads use it.
class Journal {
 public:
  // Before it is sent: what arrives must be known.
  void sent(const std::string& user) {
    const std::lock_guard lock(mutex_);
    users_[user].payments.push_back(payments_.size());
    payments_.push_back({nanoseconds(Clock::now()), 0});
  }

  // All payments of this user up to the count-th; without a count, one more.
  void arrived(std::string_view user, uint64_t count) {
    const int64_t now = nanoseconds(Clock::now());
    const std::lock_guard lock(mutex_);
    const auto found = users_.find(user);
    if (found == users_.end()) return;
    User& entry = found->second;
    if (count == 0) count = entry.arrived + 1;
    if (count > entry.payments.size()) give_up(user, "counted more often than it was sent");
    for (; entry.arrived < count; ++entry.arrived, ++arrived_) {
      payments_[entry.payments[entry.arrived]].arrived = now;
    }
  }

  size_t arrived() const {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

  void print() const {
    const std::lock_guard lock(mutex_);
    for (const Times& times : payments_) printf("%ld %ld\n", times.sent, times.arrived);
  }

 private:
  struct Times {
    int64_t sent;
    int64_t arrived;
  };
  struct User {
    std::vector<size_t> payments;  // in payments_
    size_t arrived = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Times> payments_;
  std::map<std::string, User, std::less<>> users_;
  size_t arrived_ = 0;
};

struct Options {
  std::string brokers;
  std::string payments;
  std::string stats;
  std::string prefix;
  size_t count = 0;
  unsigned rate = 0;
  std::chrono::seconds wait{};
};

Options options_of(std::span<char*> words) {
  if (words.size() != 8) {
    give_up("usage", "kafka_probe BROKERS PAYMENTS STATS PREFIX COUNT RATE WAIT_S");
  }
  Options options{words[1], words[2], words[3], words[4], 0, 0, {}};
  options.count = std::strtoul(words[5], nullptr, 10);
  options.rate = static_cast<unsigned>(std::strtoul(words[6], nullptr, 10));
  options.wait = std::chrono::seconds(std::strtoul(words[7], nullptr, 10));
  if (options.count == 0 || options.rate == 0) give_up("usage", "COUNT and RATE are at least 1");
  return options;
}

void check_flaw(record::Flaw flaw) {
  if (flaw != record::Flaw::kNone) give_up("a record", "not in order");
}

void read_stats(rd_kafka_t& consumer, bool direct, Journal& journal, const std::stop_token& stop) {
  record::LineDecoder<record::Payment> payment_decoder(record::FieldNames{});
  record::LineDecoder<record::Stats> stats_decoder(record::FieldNames{});
  while (!stop.stop_requested()) {
    const Owned<rd_kafka_message_t> message(rd_kafka_consumer_poll(&consumer, 20));
    if (!message || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;
    check("stats", message->err);
    record::Payment payment;
    record::Stats stats;
    if (direct) {
      check_flaw(payment_decoder.decode_one(value_of(*message), payment));
      journal.arrived(payment.user, 0);
    } else if (message->payload != nullptr) {
      check_flaw(stats_decoder.decode_one(value_of(*message), stats));
      journal.arrived(stats.user, stats.count);
    }
  }
}

class Sender {
 public:
  Sender(const std::string& brokers, const std::string& topic)
      : producer_(make_producer(brokers, {{"linger.ms", "0"}})),
        topic_(rd_kafka_topic_new(producer_.get(), topic.c_str(), nullptr)) {}

  void send(const std::string& user) {
    std::string line;
    record::append_payment(line, user, "0.01");
    line.pop_back();
    if (rd_kafka_produce(topic_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, line.data(),
                         line.size(), user.data(), user.size(), nullptr) != 0) {
      check("produce", rd_kafka_last_error());
    }
    rd_kafka_poll(producer_.get(), 0);
  }

  void flush() { check("flush", rd_kafka_flush(producer_.get(), kWaitMs)); }

 private:
  Owned<rd_kafka_t> producer_;  // outlives its topic
  Owned<rd_kafka_topic_t> topic_;
};

// The first payments of a producer wait for its connections: these are nobody's, enough of them to
// meet each partition.
void warm_up(Sender& sender, const Options& options) {
  for (int i = 0; i < 64; ++i) sender.send(options.prefix + "warm" + std::to_string(i));
  sender.flush();
}

void send_payments(Sender& sender, const Options& options, Journal& journal) {
  const auto start = Clock::now();
  for (size_t i = 0; i < options.count; ++i) {
    std::this_thread::sleep_until(start + i * std::chrono::nanoseconds(std::chrono::seconds(1)) /
                                              options.rate);
    const std::string user = options.prefix + std::to_string(i % kUsers);
    journal.sent(user);
    sender.send(user);
    if (i == 0) {
      printf("ready\n");
      fflush(stdout);
    }
  }
  sender.flush();
}

int run(std::span<char*> words) {
  const Options options = options_of(words);
  const Owned<rd_kafka_t> consumer = make_consumer(
      options.brokers, {{"fetch.wait.max.ms", "10"}, {"fetch.error.backoff.ms", "1"}});
  Sender sender(options.brokers, options.payments);
  assign_all(*consumer, options.stats, From::kEnd);
  warm_up(sender, options);
  Journal journal;
  {
    const std::jthread reader([&](const std::stop_token& stop) {
      read_stats(*consumer, options.stats == options.payments, journal, stop);
    });
    send_payments(sender, options, journal);
    const auto end = Clock::now() + options.wait;
    while (journal.arrived() < options.count && Clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  check("close", rd_kafka_consumer_close(consumer.get()));
  journal.print();
  return fflush(stdout) == 0 ? 0 : 2;
}

}  // namespace
}  // namespace paystats::bench

int main(int argc, char** argv) {
  return paystats::bench::run({argv, static_cast<size_t>(argc)});
}
