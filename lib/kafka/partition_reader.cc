#include "kafka/partition_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "kafka/record_source.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

constexpr size_t kBatchMessages = 1024;
constexpr int kMetadataTimeoutMs = 200;
constexpr base::Duration kFirstPause =
    std::chrono::milliseconds(5);                                  // each is twice the one before
constexpr base::Duration kLookInterval = std::chrono::seconds(1);  // after brokers that are away

ClientSettings settings_of(const PartitionReaderOptions& options) {
  ClientSettings settings{.defaults = {{"fetch.wait.max.ms", std::to_string(options.fetch_wait_ms)},
                                       {"fetch.error.backoff.ms", "50"},
                                       // Bounds of what is fetched ahead: by number (about 400
                                       // bytes each beside the message itself), and by size.
                                       {"queued.min.messages", "100000"},
                                       {"queued.max.messages.kbytes", "32768"}},
                          .musts = {{"enable.auto.commit", "false"},
                                    {"enable.auto.offset.store", "false"},
                                    {"auto.offset.reset", "error"},
                                    {"isolation.level", "read_committed"},
                                    {"enable.partition.eof", "true"},
                                    {"allow.auto.create.topics", "false"}}};
  settings.defaults.emplace_back("fetch.message.max.bytes", std::to_string(options.fetch_bytes));
  resume_fetching_soon(settings);
  return settings;
}

}  // namespace

base::Result<std::unique_ptr<PartitionReader>> PartitionReader::open(
    Cluster& cluster, const std::string& topic, const PartitionReaderOptions& options) {
  base::Result<std::unique_ptr<Client>> client =
      Client::open(cluster, RD_KAFKA_CONSUMER, settings_of(options));
  if (!client) return base::fail(client.error());
  std::unique_ptr<PartitionReader> reader(
      new PartitionReader(std::move(*client), topic, options.source_headers));
  if (base::Result<void> enabled = reader->enable_wake_up(); !enabled)
    return base::fail(enabled.error());
  return reader;
}

PartitionReader::PartitionReader(std::unique_ptr<Client> client, std::string topic,
                                 bool source_headers)
    : client_(std::move(client)),
      topic_(std::move(topic)),
      handle_(client_->topic(topic_)),
      queue_(rd_kafka_queue_new(client_->rk())),
      main_queue_(rd_kafka_queue_get_main(client_->rk())),
      batch_(kBatchMessages, source_headers ? kSourceHeader : nullptr),
      fetch_waker_(*client_, topic_) {}

PartitionReader::~PartitionReader() {
  batch_.clear();
  for (const PartitionPosition& position : positions_) {
    if (!position.stopped) rd_kafka_consume_stop(handle_, position.id);
  }
  WakeUp::unwatch(queue_.get());
  WakeUp::unwatch(main_queue_.get());
  queue_.reset();
  main_queue_.reset();
  // Its topic may have been deleted.
  Client::abandon_in_time(std::move(client_));
}

// A wait is over with the first message.
base::Result<void> PartitionReader::enable_wake_up() {
  if (base::Result<void> opened = wake_up_.open(); !opened) return opened;
  wake_up_.watch(queue_.get());
  wake_up_.watch(main_queue_.get());
  return {};
}

base::Result<void> PartitionReader::begin(std::span<const int32_t> partitions,
                                          std::span<const int64_t> first) {
  const base::Result<std::vector<PartitionEnds>> ends =
      ends_of_partitions(*client_, topic_, partitions);
  if (!ends) return base::fail(ends.error());
  for (size_t i = 0; i < ends->size(); ++i) {
    const auto& [id, low, high] = (*ends)[i];
    PartitionPosition position{.id = id, .low = low, .high = high};
    position.next = first.empty() ? low : std::clamp(first[i], low, high);
    if (base::Result<void> started = start(position); !started) return started;
    positions_.push_back(position);
    const auto slot = static_cast<size_t>(id);
    if (index_.size() <= slot) index_.resize(slot + 1);
    index_[slot] = static_cast<uint32_t>(positions_.size());
  }
  return {};
}

base::Result<void> PartitionReader::start(const PartitionPosition& position) {
  if (rd_kafka_consume_start_queue(handle_, position.id, position.next, queue_.get()) == 0) {
    return {};
  }
  return base::fail(fmt::format("{}: partition {}: {}", topic_label(topic_), position.id,
                                rd_kafka_err2str(rd_kafka_last_error())));
}

// Of all partitions: one that could not be fetched for a moment is not fetched any more.
base::Result<void> PartitionReader::go_on() {
  failure_ = {};
  gone_.reset();
  for (PartitionPosition& position : positions_) {
    if (position.stopped) continue;
    rd_kafka_consume_stop(handle_, position.id);
    position.at_end = false;
    if (base::Result<void> started = start(position); !started) return started;
  }
  return {};
}

void PartitionReader::stop(int32_t partition) {
  PartitionPosition* const position = find(partition);
  if (position == nullptr || position->stopped) return;
  rd_kafka_consume_stop(handle_, partition);
  position->stopped = true;
}

PartitionPosition* PartitionReader::find(int32_t partition) {
  const auto slot = static_cast<size_t>(partition);
  if (partition < 0 || slot >= index_.size() || index_[slot] == 0) return nullptr;
  return &positions_[index_[slot] - 1];
}

base::Result<size_t> PartitionReader::take() {
  if (!failure_) return base::fail(failure_.error());
  if (fetch_waker_.has_room_again(queue_.get())) wake_fetching();
  const size_t seen =
      batch_.fill(queue_.get(), [this](const rd_kafka_message_t& raw) { return accept(raw); });
  // What came before is not lost.
  if (!failure_ && batch_.messages().empty()) return base::fail(failure_.error());
  if (!batch_.messages().empty() && client_->cluster().watch().away()) {
    client_->cluster().watch().reachable();
  }
  return seen;
}

bool PartitionReader::accept(const rd_kafka_message_t& raw) {
  PartitionPosition* const position = find(raw.partition);
  if (position != nullptr && position->stopped) return false;
  if (raw.err == RD_KAFKA_RESP_ERR_NO_ERROR) [[likely]] {
    if (position == nullptr || raw.offset < position->next) return false;
    position->next = raw.offset + 1;
    position->at_end = false;
    return true;
  }
  if (raw.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (position == nullptr) return false;
    position->next = std::max(position->next, raw.offset);
    position->at_end = true;
    return false;
  }
  if (is_about_reach(raw.err)) {
    client_->cluster().context().diagnostics.detail(fmt::format(
        "{}: partition {}: {}", topic_label(topic_), raw.partition, rd_kafka_message_errstr(&raw)));
    return false;
  }
  if (failure_) {
    failure_ = base::fail(
        describe(raw, position == nullptr ? PartitionPosition{.id = raw.partition} : *position));
  }
  return false;
}

base::Error PartitionReader::describe(const rd_kafka_message_t& raw,
                                      const PartitionPosition& position) {
  const std::string place = fmt::format("{}: partition {}", topic_label(topic_), position.id);
  switch (raw.err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: {
      gone_ = {.partition = position.id, .next = position.next};
      PartitionEnds ends{.partition = position.id};
      if (query_ends(client_->rk(), topic_, {&ends, 1}, kMetadataTimeoutMs) !=
          RD_KAFKA_RESP_ERR_NO_ERROR) {
        return {fmt::format("{}: offset {} is there no more", place, position.next)};
      }
      return {fmt::format("{}: offset {} is there no more: the oldest is {}, the end {}", place,
                          position.next, ends.low, ends.high)};
    }
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      gone_ = {.partition = position.id, .next = position.next};
      return {fmt::format("{}: is there no more", place)};
    default:
      return {fmt::format("{}: {}", place,
                          refused_by(raw.err) == Refused::kNothing
                              ? rd_kafka_message_errstr(&raw)
                              : refusal(raw.err, {.right = "Read", .topic = topic_}))};
  }
}

int64_t PartitionReader::known_high(int32_t partition) const {
  int64_t low = RD_KAFKA_OFFSET_INVALID;
  int64_t high = RD_KAFKA_OFFSET_INVALID;
  rd_kafka_get_watermark_offsets(client_->rk(), topic_.c_str(), partition, &low, &high);
  return high;
}

// Whether there was one that has more than the queue.
bool PartitionReader::wake_fetching() {
  if (!fetch_waker_.needed()) return false;
  std::vector<int32_t> behind;
  for (const PartitionPosition& position : positions_) {
    if (position.at_end || position.stopped || known_high(position.id) <= position.next) continue;
    behind.push_back(position.id);
  }
  fetch_waker_.wake(behind);
  return !behind.empty();
}

base::Result<void> PartitionReader::read_until(
    const std::function<base::Result<void>(size_t seen)>& on_taken,
    const std::function<bool()>& done) {
  Cluster& cluster = client_->cluster();
  const base::Clock& clock = cluster.context().clock;
  const io::Waiter waiter(cluster.stop(), clock);
  for (;;) {
    if (cluster.stop().requested()) {
      return base::fail(topic_label(topic_) + ": a signal came while it was read",
                        base::ErrorKind::kInterrupted);
    }
    const base::Result<size_t> seen = take();
    if (!seen) return base::fail(seen.error());
    if (base::Result<void> taken = on_taken(*seen); !taken) return taken;
    if (done()) return {};
    if (*seen > 0) continue;
    // All may have been read with nothing to say so: an end is known anew by an answer that holds
    // nothing, where its leader has moved.
    const base::Result<io::Wake> wake = wait(waiter, clock.now() + kLookInterval);
    if (!wake) return base::fail(wake.error());
  }
}

base::Result<io::Wake> PartitionReader::wait(const io::Waiter& waiter, base::Instant deadline) {
  for (base::Duration pause = kFirstPause;; pause = std::min(pause * 2, kLookInterval)) {
    rd_kafka_poll(client_->rk(), 0);  // errors, for the watch
    const bool away = client_->cluster().watch().away();
    if (away) {
      if (base::Result<void> patient = client_->check_brokers(); !patient) {
        if (patient.error().kind == base::ErrorKind::kInterrupted) return io::Wake::kStop;
        return base::fail(patient.error());
      }
    }
    const bool stalled = !away && wake_fetching();
    const base::Instant now = waiter.clock().now();
    const base::Instant until = std::min(deadline, now + (stalled ? pause : kLookInterval));
    base::Result<io::Wake> wake = wake_up_.wait(waiter, until);
    if (!wake) return wake;
    if (*wake == io::Wake::kStop) return wake;
    // It may have been the main queue that rang; and no ring is trusted to come.
    if (rd_kafka_queue_length(queue_.get()) > 0) return io::Wake::kReady;
    if (*wake == io::Wake::kDeadline && until >= deadline) return wake;
  }
}

std::optional<int32_t> PartitionReader::count_partitions() {
  if (client_->cluster().watch().away()) return std::nullopt;
  return client_->count_partitions(topic_, kMetadataTimeoutMs);
}

}  // namespace paystats::kafka
