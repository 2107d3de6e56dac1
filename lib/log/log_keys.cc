#include "log/log_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "io/fd_io.h"
#include "keys/keyed_lines.h"
#include "log/file_name.h"
#include "log/log_tail.h"
#include "record/payment.h"

namespace paystats::log {
namespace {

constexpr uint64_t kReadBytes = 4 << 20;
static_assert(kReadBytes > record::kLineBytesMax);
constexpr size_t kFirstLineBytes = 1 << 10;  // mostly a line is shorter
constexpr size_t kEndBytes = 64;             // that show whether the log is what it was
// Places of one file: more bytes than any has.
constexpr uint64_t kFilePlaces = uint64_t{1} << 44;
// Each is a descriptor. Of a rotation each hour, those of a day.
constexpr size_t kOlderFilesMax = 32;

// Which file this is, also after a restart.
uint64_t identity_of(int fd) {
  struct statx status = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status) != 0) return 0;
  const uint64_t parts[] = {status.stx_dev_major, status.stx_dev_minor, status.stx_ino,
                            static_cast<uint64_t>(status.stx_btime.tv_sec),
                            status.stx_btime.tv_nsec};
  return base::long_hash({reinterpret_cast<const char*>(parts), sizeof parts}).low;
}

base::Result<uint64_t> whole_lines_of(int fd, const std::string& name) {
  const base::Result<uint64_t> size = io::file_size(fd, name);
  return size ? whole_lines_end(fd, 0, *size, name) : size;
}

// The same between two commits. Nothing: one is under way.
base::Result<std::optional<uint64_t>> whole_lines_if_free(int fd, const std::string& name) {
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0) return std::optional<uint64_t>();
  const base::Result<uint64_t> end = whole_lines_of(fd, name);
  ::flock(fd, LOCK_UN);
  if (!end) return base::fail(end.error());
  return std::optional<uint64_t>(*end);
}

}  // namespace

LogKeys::LogKeys(std::string name, LogKeysOptions options, const base::Clock& clock)
    : name_(std::move(name)),
      options_(std::move(options)),
      clock_(clock),
      ledger_(options_.limits, [this](uint64_t place) { return request_at(place); }),
      since_(clock.since_boot()) {}

LogKeys::~LogKeys() = default;

// Keys of before `since` may be unknown from now on, however young they are.
void LogKeys::cut(base::Instant since) {
  complete_ = false;
  cut_ = true;
  since_.store(std::max(since_.load(), since));
}

// What one process has seen of a file that is written anew, another may not have.
void LogKeys::set_instance() {
  static const uint64_t kProcess = base::random_hash_seed();
  uint64_t instance = identity_of(files_.back().fd.get());
  if (rewritten_ > 0) {
    const uint64_t parts[] = {instance, rewritten_, kProcess};
    instance = base::long_hash({reinterpret_cast<const char*>(parts), sizeof parts}).low;
  }
  instance_.store(instance, std::memory_order_relaxed);
}

void LogKeys::push(base::UniqueFd fd, uint64_t file_number) {
  const uint64_t base = files_.empty() ? 0 : files_.back().base + kFilePlaces;
  files_.push_back({std::move(fd), file_number, base, {}, false, false});
}

// What has become the log since the last look has keys as young as those that are appended to a log
// that keeps its name, unless other files may be missing: then it may be any file, as old as it
// likes.
//
// Where the log is another file now, the rest of the one before is read first: its writers have
// found that it has lost its name. So may files between the two have been, which this process has
// not seen; where one of those is not to be found, its keys are not known.
base::Result<void> LogKeys::enter(int fd, uint64_t file_number) {
  if (!files_.empty() && files_.back().number == file_number) return {};
  const bool first = files_.empty();
  if (!first) {
    if (base::Result<void> left = leave(); !left) return left;
  }
  base::Result<base::UniqueFd> own = io::reopen_for_reading(fd, name_);
  if (!own) return base::fail(own.error());
  bool past = false;
  if (first) {
    watch_.begin(own->get());
  } else {
    const base::Instant now = clock_.since_boot();
    files_.back().left = now;
    NameWatch::Between between = watch_.advance(own->get());
    for (base::UniqueFd& found : between.files) {
      push(std::move(found), 0);
      files_.back().left = now;
      files_.back().unread = true;
      files_.back().past = !between.all;
    }
    past = !between.all;
    if (past) cut(now);
  }
  push(std::move(*own), file_number);
  files_.back().past = past;
  read_ = 0;
  rewritten_ = 0;
  end_.clear();
  set_instance();
  forget_files();
  return {};
}

base::Result<void> LogKeys::leave() {
  const int old = files_.back().fd.get();
  const base::Result<uint64_t> end = whole_lines_of(old, name_);
  return end ? read_on(*end) : base::fail(end.error());
}

// Of a file that was left so long ago every key may be forgotten.
void LogKeys::forget_files() {
  const base::Instant now = clock_.since_boot();
  while (files_.size() > 1 && (files_.size() > kOlderFilesMax + 1 ||
                               now - files_.front().left >= options_.limits.memory)) {
    cut(std::min(files_.front().left, now));
    files_.pop_front();
  }
}

// Those that were the log between two looks, once the last commit to each has ended.
base::Result<void> LogKeys::read_files() {
  for (File& file : files_) {
    if (!file.unread) continue;
    const base::Result<std::optional<uint64_t>> end = whole_lines_if_free(file.fd.get(), name_);
    if (!end) return base::fail(end.error());
    if (!*end) continue;
    uint64_t from = 0;
    if (base::Result<void> read = read_keys(file, from, **end); !read) return read;
    file.unread = false;
  }
  return {};
}

bool LogKeys::files_unread() const {
  return std::any_of(files_.begin(), files_.end(), [](const File& file) { return file.unread; });
}

base::Result<void> LogKeys::follow(int fd, uint64_t file_number) {
  if (base::Result<void> entered = enter(fd, file_number); !entered) return entered;
  const base::Result<std::optional<uint64_t>> end =
      whole_lines_if_free(files_.back().fd.get(), name_);
  if (!end) return base::fail(end.error());
  return *end ? catch_up(fd, file_number, **end) : base::Result<void>();
}

base::Result<void> LogKeys::catch_up(int fd, uint64_t file_number, uint64_t size) {
  watch_.look();
  base::Result<void> read = enter(fd, file_number);
  if (read) read = read_files();
  if (read && past_state_ == PastState::kNotBegun) read = begin_past(size);
  if (read && past_state_ == PastState::kBeingRead) read = take_past();
  if (read) read = read_on(size);
  if (read) files_.back().past = false;
  update_figures();
  return read;
}

base::Result<void> LogKeys::read_on(uint64_t size) {
  const base::Result<bool> same = size < read_ ? base::Result<bool>(false) : is_as_it_was();
  if (!same) return base::fail(same.error());
  if (*same && size == read_) return {};
  base::Result<void> read = *same ? read_up_to(size) : read_anew(size);
  return read ? remember_end() : read;
}

uint64_t LogKeys::unread(uint64_t file_number, uint64_t size) const {
  const bool known = !files_.empty() && files_.back().number == file_number;
  if (past_state_ == PastState::kNotBegun && options_.prefix.empty()) return 0;
  if (!known && !files_.empty()) return UINT64_MAX;  // with the files before it
  return known ? size - std::min(size, read_) : size;
}

// Others may have written the log anew, and made it longer, or as long as it was.
base::Result<bool> LogKeys::is_as_it_was() const {
  std::string now(end_.size(), '\0');
  const base::Result<size_t> n =
      io::read_at(files_.back().fd.get(), read_ - now.size(), now.data(), now.size(), name_);
  if (!n) return base::fail(n.error());
  return *n == now.size() && now == end_;
}

base::Result<void> LogKeys::remember_end() {
  end_.resize(std::min<uint64_t>(kEndBytes, read_));
  const base::Result<size_t> n =
      io::read_at(files_.back().fd.get(), read_ - end_.size(), end_.data(), end_.size(), name_);
  return n ? base::Result<void>() : base::fail(n.error());
}

base::Result<void> LogKeys::begin_past(uint64_t size) {
  if (!options_.prefix.empty() || size == 0) {
    complete_ = !cut_;
    past_state_ = PastState::kRead;
    return {};
  }
  base::Result<base::UniqueFd> own = io::reopen_for_reading(files_.back().fd.get(), name_);
  if (!own) return base::fail(own.error());
  past_ = std::make_unique<PastKeys>(std::move(*own), size, options_.limits.keys_max, name_);
  if (base::Result<void> started = past_->start(); !started) return started;
  past_state_ = PastState::kBeingRead;
  past_base_ = files_.back().base;
  read_ = size;
  return remember_end();
}

base::Result<void> LogKeys::take_past() {
  if (!past_->done()) return {};
  base::Result<void> outcome = past_->outcome();
  if (outcome) {
    std::vector<keys::KeyPlace> entries = past_->take();
    for (keys::KeyPlace& entry : entries) entry.place += past_base_;
    ledger_.learn_past(std::move(entries), clock_.since_boot());
    complete_ = past_->complete() && !cut_;
    past_state_ = PastState::kRead;
  } else {
    past_state_ = PastState::kNotBegun;  // the next look tries again
  }
  past_.reset();
  return outcome;
}

// Somebody has cut lines off. A key whose line is gone is not paid, and what was written and cut
// off since the last look is not known. Files of before are read again, since their keys are kept.
base::Result<void> LogKeys::read_anew(uint64_t size) {
  past_.reset();
  ledger_.forget_all();
  past_state_ = PastState::kRead;
  cut(clock_.since_boot());
  ++rewritten_;
  set_instance();
  for (File& file : files_) {
    file.unread = &file != &files_.back();
    file.past = true;
  }
  if (base::Result<void> read = read_files(); !read) return read;
  read_ = 0;
  return read_up_to(size);
}

base::Result<void> LogKeys::read_up_to(uint64_t size) {
  return read_keys(files_.back(), read_, size);
}

base::Result<void> LogKeys::read_keys(const File& file, uint64_t& from, uint64_t size) {
  const base::Instant now = clock_.since_boot();
  std::string bytes;
  std::vector<keys::KeyPlace> past;
  while (from < size) {
    bytes.resize(std::min(kReadBytes, size - from));
    const base::Result<size_t> n =
        io::read_at(file.fd.get(), from, bytes.data(), bytes.size(), name_);
    if (!n) return base::fail(n.error());
    if (*n == 0) return base::fail(name_ + ": shrank while it was read");
    bytes.resize(*n);
    const size_t newline = bytes.rfind('\n');
    // What has no newline here is too long for a request.
    const size_t whole = newline == bytes.npos ? bytes.size() : newline + 1;
    keys::for_each_key(std::string_view(bytes).substr(0, whole),
                       [&](std::string_view key, size_t line) {
                         if (!key.starts_with(options_.prefix)) return;
                         const uint64_t place = file.base + from + line;
                         if (file.past) {
                           past.push_back({keys::fingerprint_of(key), place});
                         } else {
                           ledger_.learn(key, place, now);
                         }
                       });
    from += whole;
    if (past.size() / 2 > options_.limits.keys_max) {  // the last ones count
      past.erase(past.begin(), past.end() - static_cast<ptrdiff_t>(options_.limits.keys_max));
      cut(now);
    }
  }
  ledger_.learn_past(std::move(past), now);
  return {};
}

const LogKeys::File& LogKeys::file_at(uint64_t place) const {
  const auto above = std::find_if(files_.rbegin(), files_.rend(),
                                  [&](const File& file) { return file.base <= place; });
  return above == files_.rend() ? files_.front() : *above;
}

base::Result<std::string> LogKeys::line_at(uint64_t place) const {
  const File& file = file_at(place);
  if (place < file.base) return std::string();  // of a file that is forgotten
  const uint64_t offset = place - file.base;
  const uint64_t before = offset == 0 ? 0 : 1;  // the newline of the line before
  std::string bytes(kFirstLineBytes, '\0');
  for (;;) {
    const base::Result<size_t> n =
        io::read_at(file.fd.get(), offset - before, bytes.data(), bytes.size(), name_);
    if (!n) return base::fail(n.error());
    if (*n <= before || (before == 1 && bytes[0] != '\n')) return std::string();
    const size_t newline = std::string_view(bytes).substr(0, *n).find('\n', before);
    if (newline != bytes.npos) return bytes.substr(before, newline - before);
    if (*n < bytes.size() || bytes.size() > record::kLineBytesMax) return std::string();
    bytes.resize(bytes.size() * 8);
  }
}

base::Result<std::optional<keys::KeyedRequest>> LogKeys::request_at(uint64_t place) const {
  const base::Result<std::string> line = line_at(place);
  if (!line) return base::fail(line.error());
  const bool begins_log = std::any_of(files_.begin(), files_.end(),
                                      [&](const File& file) { return file.base == place; });
  return keys::read_keyed_request(*line, begins_log);
}

keys::KeyAnswer LogKeys::settled(keys::KeyAnswer answer) const {
  using Kind = keys::KeyAnswer::Kind;
  const bool known = answer.kind == Kind::kPaid || answer.kind == Kind::kReused;
  if (!known && (past_state_ != PastState::kRead || files_unread()))
    answer.kind = Kind::kNotReadYet;
  return answer;
}

base::Result<keys::KeyAnswer> LogKeys::judge(const record::Request& request) {
  base::Result<keys::KeyAnswer> answer = ledger_.judge(request, clock_.since_boot());
  if (!answer) return answer;
  return settled(*answer);
}

base::Result<keys::KeyAnswer> LogKeys::find(std::string_view key) {
  base::Result<keys::KeyAnswer> answer = ledger_.find(key);
  if (!answer) return answer;
  return settled(*answer);
}

void LogKeys::bind(const record::Request& request, uint64_t behind) {
  ledger_.bind(request.idempotency_key, keys::keyed_request(request),
               files_.back().base + read_ + behind);
}

void LogKeys::confirm(uint64_t size, std::string_view lines) {
  ledger_.confirm(clock_.since_boot());
  read_ = size;
  end_ += lines.substr(lines.size() - std::min(lines.size(), kEndBytes));
  if (end_.size() > kEndBytes) end_.erase(0, end_.size() - kEndBytes);
  update_figures();
}

void LogKeys::drop() {
  ledger_.drop();
}

void LogKeys::update_figures() {
  keys_known_.store(ledger_.size(), std::memory_order_relaxed);
  keys_young_.store(ledger_.young(clock_.since_boot()), std::memory_order_relaxed);
  past_is_cut_.store(!complete_, std::memory_order_relaxed);
  keys_complete_.store(
      complete_ && past_state_ == PastState::kRead && !files_unread() && !ledger_.has_forgotten(),
      std::memory_order_relaxed);
}

keys::KeyFigures LogKeys::figures() const {
  base::Duration memory = options_.limits.memory;
  if (past_is_cut_.load(std::memory_order_relaxed)) {
    memory = std::min(memory, clock_.since_boot() - since_.load(std::memory_order_relaxed));
  }
  return {.kept = keys::KeyFigures::Kept::kLog,
          .complete = keys_complete_.load(std::memory_order_relaxed),
          .instance = instance_.load(std::memory_order_relaxed),
          .keys = keys_known_.load(std::memory_order_relaxed),
          .keys_young = keys_young_.load(std::memory_order_relaxed),
          .keys_max = options_.limits.keys_max,
          .memory = memory};
}

std::string LogKeys::describe(uint64_t place) const {
  const base::Result<std::string> line = line_at(place);
  const File& file = file_at(place);
  const bool is_log = &file == &files_.back();
  const std::string name = is_log ? name_ : name_of(file.fd.get()).value_or(name_ + " (removed)");
  uint64_t number = 1;
  std::string bytes(kReadBytes, '\0');
  const uint64_t end = place - std::min(place, file.base);
  for (uint64_t at = 0; at < end;) {
    const base::Result<size_t> n = io::read_at(file.fd.get(), at, bytes.data(),
                                               std::min<uint64_t>(bytes.size(), end - at), name_);
    if (!n || *n == 0) break;
    number += static_cast<uint64_t>(
        std::count(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(*n), '\n'));
    at += *n;
  }
  return fmt::format("{}:{}: {}", name, number, line ? *line : std::string());
}

}  // namespace paystats::log
