// The idempotency keys of a log: those that it had at the start, those that others append, and
// those of one's own commits. A key is known by the line that it stands in.
// Tested through log/payment_sink.h.
//
//   LogKeys keys(path, {.limits = limits}, clock);
//   Result<void> read = keys.follow(log.read_fd(), log.file_number());      // now and then
//   ...                                                                      // under the lock:
//   read = keys.catch_up(log.read_fd(), log.file_number(), log.size());
//   Result<KeyAnswer> answer = keys.judge(request);
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "keys/ledger.h"
#include "log/name_watch.h"
#include "log/past_keys.h"

namespace paystats::log {

struct LogKeysOptions {
  keys::KeyLimits limits = {};
  // Only keys that begin so, and those of the whole log, from its first line on. Empty: all keys;
  // of those that the log has at the start the last `keys_max`, read by a thread of their own.
  std::string prefix = {};
};

class LogKeys {
 public:
  // `name` is the log in messages. The clock is borrowed.
  LogKeys(std::string name, LogKeysOptions options, const base::Clock& clock);
  LogKeys(const LogKeys&) = delete;
  LogKeys& operator=(const LogKeys&) = delete;
  ~LogKeys();

  // Reads what has been appended, as far as the size that is seen under a shared lock; where that
  // cannot be had at once, nothing is done. `file_number` is PaymentLog's.
  base::Result<void> follow(int fd, uint64_t file_number);

  // The same under the caller's lock, up to `size`, the end of a line.
  base::Result<void> catch_up(int fd, uint64_t file_number, uint64_t size);

  bool of_prefix() const { return !options_.prefix.empty(); }

  // What catch_up() would have to read, without files that were the log before.
  uint64_t unread(uint64_t file_number, uint64_t size) const;

  // REQUIRES: catch_up() just before. Answers kNotReadYet where the key is not known, and keys of
  // before the start are still being read, or a file that was the log is still locked.
  base::Result<keys::KeyAnswer> judge(const record::Request& request);
  base::Result<keys::KeyAnswer> find(std::string_view key);

  // Of a file that was the log a commit is under way, or its writer sleeps.
  bool files_unread() const;

  // What is committed next at the end of the log, `behind` bytes of other lines.
  void bind(const record::Request& request, uint64_t behind);
  // The commit has made the log so long by these lines, and nobody else has written meanwhile.
  void confirm(uint64_t size, std::string_view lines);
  void drop();

  keys::KeyFigures figures() const;  // of any thread

  // "payments.jsonl:17: {...}" for a message, of a place that an answer has.
  std::string describe(uint64_t place) const;

 private:
  // The log, or a file that was the log before it.
  struct File {
    base::UniqueFd fd;
    uint64_t number = 0;   // 0: none that PaymentLog has had
    uint64_t base = 0;     // the place of its first byte
    base::Instant left{};  // when another had taken its name
    bool unread = false;   // it is to be read from its beginning
    bool past = false;     // nobody knows how old the keys are that it has now
  };

  base::Result<void> enter(int fd, uint64_t file_number);
  base::Result<void> leave();
  void push(base::UniqueFd fd, uint64_t file_number);
  void forget_files();
  base::Result<void> read_files();
  void cut(base::Instant since);
  void set_instance();
  base::Result<void> read_on(uint64_t size);
  base::Result<void> read_up_to(uint64_t size);
  base::Result<void> read_keys(const File& file, uint64_t& from, uint64_t size);
  base::Result<bool> is_as_it_was() const;
  base::Result<void> remember_end();
  base::Result<std::optional<keys::KeyedRequest>> request_at(uint64_t place) const;
  const File& file_at(uint64_t place) const;
  base::Result<std::string> line_at(uint64_t place) const;
  base::Result<void> begin_past(uint64_t size);
  base::Result<void> take_past();
  base::Result<void> read_anew(uint64_t size);
  keys::KeyAnswer settled(keys::KeyAnswer answer) const;
  void update_figures();

  const std::string name_;
  const LogKeysOptions options_;
  const base::Clock& clock_;
  keys::Ledger ledger_;
  std::deque<File> files_;  // the last one is the log
  NameWatch watch_;
  uint64_t rewritten_ = 0;  // so often the log was written anew in its place
  uint64_t read_ = 0;       // of the log, up to here
  std::string end_;         // the last bytes of that
  std::unique_ptr<PastKeys> past_;
  uint64_t past_base_ = 0;  // the place of its first byte
  enum class PastState { kNotBegun, kBeingRead, kRead };
  PastState past_state_ = PastState::kNotBegun;
  bool complete_ = false;  // the past was read to its beginning, and nothing is cut
  bool cut_ = false;

  std::atomic<uint64_t> keys_known_ = 0;
  std::atomic<uint64_t> keys_young_ = 0;
  std::atomic<bool> keys_complete_ = false;
  std::atomic<bool> past_is_cut_ = false;  // of keys of before `since_`, some are not known
  std::atomic<base::Instant> since_;
  std::atomic<uint64_t> instance_ = 0;
};

}  // namespace paystats::log
