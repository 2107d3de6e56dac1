#include "log/payment_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <utility>

#include "base/utc_text.h"
#include "io/stream_sink.h"
#include "log/log_keys.h"
#include "log/payment_log.h"
#include "record/encoder.h"

namespace paystats::log {
namespace {

constexpr uint64_t kReadUnderLockBytes = 16 << 20;
constexpr size_t kSpareLinesBytesMax = 128 << 10;  // between two commits
constexpr int kLockPauseMs = 10;  // between two looks at the lock of a file that was the log

class LogPaymentSink final : public io::PaymentSink, public io::KeyedPayments {
 public:
  LogPaymentSink(PaymentLog log, std::unique_ptr<LogKeys> keys, const base::Clock& clock)
      : log_(std::move(log)), keys_(std::move(keys)), clock_(clock) {}

  base::Result<io::Turn> begin(int cancel_fd) override {
    while (!begun_) {
      const base::Result<bool> begun = log_.begin(cancel_fd);
      if (!begun) return base::fail(begun.error());
      if (!*begun) return io::Turn{.mine = false};
      begun_ = true;
      if (!keys_) break;
      // What lies below this size stays as it is, so a lot of it is read while others may write.
      const uint64_t size = log_.size();
      if (keys_->unread(log_.file_number(), size) > kReadUnderLockBytes) release();
      const base::Result<void> read = keys_->catch_up(log_.read_fd(), log_.file_number(), size);
      if (!read) {
        release();
        return base::fail(read.error());
      }
      // A server puts requests off that have a key; a job has nothing else to do.
      if (keys_->of_prefix() && keys_->files_unread()) {
        release();
        pollfd polled = {cancel_fd, POLLIN, 0};
        if (::poll(&polled, 1, kLockPauseMs) > 0) return io::Turn{.mine = false};
      }
    }
    return io::Turn();
  }

  base::Result<void> put(const record::Request& request) override {
    record::append_request(lines_, request, base::UtcText(clock_.time_of_day()).view());
    return {};
  }

  base::Result<keys::KeyAnswer> put_once(const record::Request& request) override {
    assert(begun_);
    base::Result<keys::KeyAnswer> answer = keys_->judge(request);
    if (answer && answer->kind == keys::KeyAnswer::Kind::kPaid && !answer->under_way) {
      acknowledges_others_ = true;
    }
    if (!answer || answer->kind != keys::KeyAnswer::Kind::kNew) return answer;
    keys_->bind(request, lines_.size());
    if (base::Result<void> done = put(request); !done) return base::fail(done.error());
    return answer;
  }

  base::Result<keys::KeyAnswer> find(std::string_view key) override {
    assert(begun_);
    base::Result<keys::KeyAnswer> answer = keys_->find(key);
    acknowledges_others_ =
        acknowledges_others_ || (answer && answer->kind == keys::KeyAnswer::Kind::kPaid);
    return answer;
  }

  base::Result<void> follow() override {
    if (!begun_) {
      if (base::Result<void> followed = log_.follow_name(); !followed) return followed;
    }
    return keys_->follow(log_.read_fd(), log_.file_number());
  }
  keys::KeyFigures figures() const override { return keys_->figures(); }
  std::string describe(const keys::KeyAnswer& answer) const override {
    return keys_->describe(answer.place);
  }

  base::Result<void> commit_lines(std::string_view lines) override {
    if (!lines_.empty()) {
      if (base::Result<void> flushed = flush(); !flushed) return flushed;
    }
    if (lines.empty()) return {};
    if (base::Result<io::Turn> turn = begin(-1); !turn) return base::fail(turn.error());
    base::Result<void> written = log_.write(lines);
    end();
    return written;
  }

  base::Result<void> flush() override {
    if (!begun_ && lines_.empty()) return {};
    if (base::Result<io::Turn> turn = begin(-1); !turn) return failed(turn.error());
    base::Result<void> written;
    if (!lines_.empty()) {
      written = log_.write(lines_);
    } else if (acknowledges_others_) {
      written = log_.sync_name();
    }
    if (!written) return failed(written.error());
    if (keys_) settle_keys();
    end();
    return {};
  }

  void abandon() override {
    if (keys_) keys_->drop();
    end();
  }

  base::Result<bool> probe() override {
    assert(begun_ && lines_.empty());
    return log_.probe();
  }

  base::Result<void> close() override { return flush(); }
  bool request_is_line() const override { return true; }
  bool durable() const override { return true; }
  Aftermath aftermath() const override {
    return log_.broken() ? Aftermath::kBroken : Aftermath::kUndone;
  }
  io::KeyedPayments* keyed() override { return keys_ ? this : nullptr; }

 private:
  // Where somebody has appended without the lock, our lines stand elsewhere than was thought.
  void settle_keys() {
    if (lines_.empty()) return;
    if (log_.wrote_alone()) {
      keys_->confirm(log_.size() + lines_.size(), lines_);
    } else {
      keys_->drop();  // they are read from the log, like those of others
    }
  }
  base::Result<void> failed(const base::Error& error) {
    abandon();
    return base::fail(error);
  }
  void end() {
    lines_.clear();
    if (lines_.capacity() > kSpareLinesBytesMax) lines_.shrink_to_fit();
    acknowledges_others_ = false;
    release();
  }
  void release() {
    if (std::exchange(begun_, false)) log_.end();
  }

  PaymentLog log_;
  const std::unique_ptr<LogKeys> keys_;
  const base::Clock& clock_;
  std::string lines_;
  bool begun_ = false;
  bool acknowledges_others_ =
      false;  // since begin(): a request that another writer may have written
};

base::Result<std::unique_ptr<io::PaymentSink>> as_sink(base::Result<PaymentLog> log,
                                                       const std::string& name,
                                                       const std::optional<LogKeysOptions>& keys,
                                                       const base::Clock& clock) {
  if (!log) return base::fail(log.error());
  return std::make_unique<LogPaymentSink>(
      std::move(*log), keys ? std::make_unique<LogKeys>(name, *keys, clock) : nullptr, clock);
}

base::Result<std::unique_ptr<io::PaymentSink>> as_stream(const io::Endpoint& endpoint,
                                                         const std::optional<LogKeysOptions>& keys,
                                                         const base::Clock& clock) {
  if (!keys) return io::open_stream_payment_sink(endpoint);
  return io::open_keyed_stream_payment_sink(endpoint, keys->limits, clock);
}

// An error where that cannot be told: as a stream nothing would be repaired.
base::Result<bool> stdout_is_a_log() {
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  if (flags < 0) return base::fail(base::system_error("stdout", errno));
  if ((flags & O_APPEND) == 0) return false;
  struct stat status = {};
  if (::fstat(STDOUT_FILENO, &status) != 0) return base::fail(base::system_error("stdout", errno));
  return S_ISREG(status.st_mode);
}

}  // namespace

base::Result<std::unique_ptr<io::PaymentSink>> open_payment_sink(
    const io::Endpoint& endpoint, const std::optional<LogKeysOptions>& keys,
    const base::Clock& clock, base::Diagnostics& diagnostics) {
  switch (endpoint.kind) {
    case io::Endpoint::Kind::kTopic:
      return base::fail(fmt::format("kafka:{}: this build cannot write topics", endpoint.name));
    case io::Endpoint::Kind::kStdio: {
      const base::Result<bool> is_log = stdout_is_a_log();
      if (!is_log) return base::fail(is_log.error());
      if (!*is_log) return as_stream(endpoint, keys, clock);
      return as_sink(PaymentLog::adopt(STDOUT_FILENO, "stdout", diagnostics), "stdout", keys,
                     clock);
    }
    case io::Endpoint::Kind::kFile:
      break;
  }
  const base::Result<bool> special = io::is_special_file(endpoint.name);
  if (!special) return base::fail(special.error());
  if (*special) return as_stream(endpoint, keys, clock);
  return as_sink(PaymentLog::open(endpoint.name, diagnostics), endpoint.name, keys, clock);
}

}  // namespace paystats::log
