#include "log/payment_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "io/fd_io.h"
#include "log/append.h"
#include "log/file_name.h"
#include "log/log_tail.h"
#include "log/sync.h"
#include "log/torn_file.h"

namespace paystats::log {
namespace {

constexpr uint64_t kCifsType = 0xFF534D42;  // not in <linux/magic.h>
// So often a repair or an undo looks again where somebody appends without the lock meanwhile.
constexpr int kTriesMax = 100;

base::Result<void> check_file(int fd, std::string_view name) {
  if (base::fd_type(fd) != base::FdType::kRegular) {
    return base::fail(fmt::format("{}: not a regular file, so it cannot be a durable log", name));
  }
  struct statfs status = {};
  while (::fstatfs(fd, &status) != 0) {
    if (errno != EINTR) return base::fail(base::system_error(name, errno));
  }
  if (!locks_hold(static_cast<uint64_t>(status.f_type))) {
    return base::fail(
        fmt::format("{}: is on a network file system, where the locks of a log do not hold: "
                    "write it on a local disk",
                    name));
  }
  return {};
}

// The first bytes of the file that are neither a byte-order mark nor white space, however much of
// that there is: none, or up to two.
base::Result<std::string> first_bytes(int fd, std::string_view name) {
  std::string chunk(4096, '\0');
  for (uint64_t at = 0;;) {
    const base::Result<size_t> n = io::read_at(fd, at, chunk.data(), chunk.size(), name);
    if (!n) return base::fail(n.error());
    std::string_view text(chunk.data(), *n);
    if (at == 0 && text.starts_with(base::kByteOrderMark)) {
      text.remove_prefix(base::kByteOrderMark.size());
    }
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first != text.npos && (first + 1 < text.size() || *n < chunk.size())) {
      return std::string(text.substr(first, 2));
    }
    if (*n < chunk.size()) return std::string();
    at += *n - (first == text.npos ? 0 : 1);  // the last byte once more, with the one behind it
  }
}

// A mistyped output must not change a file that is no log. Nor is UTF-16 one, mark or none: behind
// its first letter is a NUL.
base::Result<void> check_first_bytes(int fd, std::string_view name) {
  const base::Result<std::string> first = first_bytes(fd, name);
  if (!first) return base::fail(first.error());
  if (first->empty() || first->front() == '\0') return {};
  const bool begins_json = first->front() == '{' || first->front() == '[';
  if (begins_json && (first->size() == 1 || first->back() != '\0')) return {};
  return base::fail(fmt::format("{}: not a log of JSON lines, so nothing is appended to it", name));
}

std::optional<FileState> state_of(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  return FileState{status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

}  // namespace

bool locks_hold(uint64_t file_system_type) {
  switch (file_system_type) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case kCifsType:
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case V9FS_MAGIC:
      return false;
    default:
      return true;
  }
}

PaymentLog::PaymentLog(base::UniqueFd write_fd, base::UniqueFd read_fd, std::string path,
                       std::string name, base::Diagnostics& diagnostics)
    : write_fd_(std::move(write_fd)),
      read_fd_(std::move(read_fd)),
      place_(name_of(read_fd_.get()).value_or(path)),
      path_(std::move(path)),
      name_(std::move(name)),
      diagnostics_(&diagnostics) {}

base::Result<PaymentLog> PaymentLog::open(const std::string& path, base::Diagnostics& diagnostics) {
  return open_with(path, O_CREAT, diagnostics);
}

base::Result<PaymentLog> PaymentLog::open_with(const std::string& path, int flags,
                                               base::Diagnostics& diagnostics) {
  // O_NONBLOCK for the case that it is a FIFO: that is to be an error, not a wait for its reader.
  base::Result<base::UniqueFd> opened =
      base::open_file(path, O_RDWR | O_APPEND | O_NONBLOCK | flags);
  if (!opened) return base::fail(opened.error());
  base::Result<void> checked = check_file(opened->get(), path);
  if (checked) checked = check_first_bytes(opened->get(), path);
  if (!checked) return base::fail(checked.error());
  base::UniqueFd read_fd(::fcntl(opened->get(), F_DUPFD_CLOEXEC, 0));
  if (!read_fd) return base::fail(base::system_error(path, errno));
  return PaymentLog(std::move(*opened), std::move(read_fd), path, path, diagnostics);
}

base::Result<PaymentLog> PaymentLog::adopt(int fd, std::string name,
                                           base::Diagnostics& diagnostics) {
  base::Result<void> checked = check_file(fd, name);
  if (!checked) return base::fail(checked.error());
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_APPEND) == 0) {
    return base::fail(fmt::format("{}: not open for appending", name));
  }
  // Processes of one shell line share the file description that we were given, and its lock as
  // well, so the lock is taken on one of our own.
  base::Result<base::UniqueFd> read_fd = io::reopen_for_reading(fd, name);
  if (!read_fd) return base::fail(read_fd.error());
  checked = check_first_bytes(read_fd->get(), name);
  if (!checked) return base::fail(checked.error());
  const std::optional<std::string> path = name_of(fd);
  if (!path) {
    return base::fail(fmt::format("{}: the file has been removed, so nobody would read it", name));
  }
  base::UniqueFd write_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!write_fd) return base::fail(base::system_error(name, errno));
  return PaymentLog(std::move(write_fd), std::move(*read_fd), *path, std::move(name), diagnostics);
}

base::Result<void> PaymentLog::commit(std::string_view lines) {
  if (lines.empty()) return {};
  const base::Result<bool> begun = begin(-1);
  if (!begun) return base::fail(begun.error());
  base::Result<void> written = write(lines);
  end();
  return written;
}

base::Result<bool> PaymentLog::begin(int cancel_fd) {
  base::Result<bool> locked = lock_current(cancel_fd);
  if (!locked || !*locked) return locked;
  const base::Result<void> prepared = prepare();
  if (prepared) return true;
  end();
  return base::fail(prepared.error());
}

void PaymentLog::end() {
  ::flock(read_fd_.get(), LOCK_UN);
}

base::Result<void> PaymentLog::write(std::string_view lines) {
  Appended ours;
  shortage_ = {.reason = 0, .bytes = lines.size()};
  base::Result<void> result = append(write_fd_.get(), lines, name_, ours);
  if (!result) note_failure(ours.reason);
  if (result) result = check_place(lines);
  if (result) result = sync();
  if (!result) return base::fail(undone(result.error(), lines, ours));
  // Where somebody else has written as well, the next commit has to look at the end.
  last_commit_ = state_of(read_fd_.get());
  if (last_commit_ && !grown_only_by(lines.size(), *last_commit_)) last_commit_.reset();
  return {};
}

base::Result<bool> PaymentLog::probe() {
  base::Result<bool> room = make_room(write_fd_.get(), undo_bytes_, shortage_, name_);
  broken_ = broken_ || !room;
  return room;
}

void PaymentLog::note_failure(int reason) {
  shortage_.reason = reason;
  broken_ = broken_ || !may_pass(reason);
}

bool PaymentLog::grown_only_by(size_t bytes, const FileState& state) const {
  return static_cast<uint64_t>(state.size) == undo_bytes_ + bytes;
}

// Of a writer that does not lock, what came between our last look and our write may be the
// beginning of a line: ours would be lost in it.
base::Result<void> PaymentLog::check_place(std::string_view lines) {
  const std::optional<FileState> state = state_of(read_fd_.get());
  if (state && grown_only_by(lines.size(), *state)) return {};
  const base::Result<std::string> found = read_from(undo_bytes_);
  if (!found) return base::fail(found.error());
  if (begins_a_line(*found, lines)) return {};
  return base::fail(
      fmt::format("{}: another writer appended part of a line without the lock", name_));
}

// If nobody has written to the log since our last commit, nothing need be checked. Otherwise
// another writer may have been killed between a truncation and its sync, and a power cut could
// bring back the bytes that it cut off, in the middle of what is written now: so the file is synced
// first.
base::Result<void> PaymentLog::prepare() {
  const std::optional<FileState> now = state_of(read_fd_.get());
  if (now && now == last_commit_) {
    undo_bytes_ = static_cast<uint64_t>(now->size);
    return {};
  }
  base::Result<void> prepared = check_first_bytes(read_fd_.get(), name_);
  if (prepared) prepared = sync_contents();
  return prepared ? repair() : prepared;
}

// The log is the file of that name: what other writers append to, and followers read. Where ours
// has been moved away or removed since (by a rotation of logs, say), what would be committed to it
// would be seen by nobody.
base::Result<bool> PaymentLog::lock_current(int cancel_fd) {
  for (;;) {
    base::Result<bool> locked =
        io::lock_exclusively(read_fd_.get(), name_, cancel_fd, told_waiting_, *diagnostics_);
    if (!locked || !*locked || has_name(read_fd_.get(), path_)) return locked;
    base::Result<PaymentLog> current = open(path_, *diagnostics_);
    ::flock(read_fd_.get(), LOCK_UN);
    if (!current) return base::fail(current.error());
    go_on_with(std::move(*current));
  }
}

void PaymentLog::go_on_with(PaymentLog current) {
  diagnostics_->warning(name_ + ": has been moved or removed: going on with what has its name now");
  write_fd_ = std::move(current.write_fd_);
  read_fd_ = std::move(current.read_fd_);
  place_ = std::move(current.place_);
  name_is_synced_ = false;
  ++file_number_;
}

// Who looks only does not make the file: a rotation may be about to, with an owner and a mode.
base::Result<void> PaymentLog::follow_name() {
  if (has_name(read_fd_.get(), path_) || ::access(path_.c_str(), F_OK) != 0) return {};
  // The lock comes after the look at the name: the old file has its last commit then.
  if (::flock(read_fd_.get(), LOCK_SH | LOCK_NB) != 0) return {};
  base::Result<PaymentLog> current = open_with(path_, 0, *diagnostics_);
  ::flock(read_fd_.get(), LOCK_UN);
  if (!current) return base::fail(current.error());
  go_on_with(std::move(*current));
  return {};
}

base::Result<void> PaymentLog::sync_contents() {
  const int reason = io::sync_data(write_fd_.get());
  if (reason == 0) return {};
  // A full disk may show only here, and is over once there is room. Anything else is a disk that
  // drops what it has taken, and says so once.
  note_failure(reason);
  return base::fail(base::system_error(name_, reason));
}

base::Result<void> PaymentLog::sync() {
  base::Result<void> contents = sync_contents();
  return contents ? sync_name() : contents;
}

base::Result<void> PaymentLog::sync_name() {
  if (name_is_synced_) return {};
  const base::Result<NameSync> synced = log::sync_name(write_fd_.get(), name_);
  broken_ = broken_ || !synced;
  name_is_synced_ = synced.has_value();
  if (!synced) return base::fail(synced.error());
  if (*synced == NameSync::kFileOnly && !std::exchange(told_folder_, true)) {
    diagnostics_->warning(fmt::format(
        "{}: its folder may not be read, so it cannot be synced: on some file systems a power cut "
        "may cost a new log its name",
        name_));
  }
  return {};
}

// What stands in the log from `begin` to its end.
base::Result<std::string> PaymentLog::read_from(uint64_t begin) const {
  const base::Result<uint64_t> size = io::file_size(read_fd_.get(), name_);
  if (!size) return base::fail(size.error());
  std::string found(*size - std::min(*size, begin), '\0');
  const base::Result<size_t> n =
      io::read_at(read_fd_.get(), begin, found.data(), found.size(), name_);
  if (!n) return base::fail(n.error());
  found.resize(*n);
  return found;
}

// An undo is on the disk as well: else all of the commit could be there again once the power has
// failed. What others append meanwhile is kept: up to the last look, that is; see L4.
base::Result<void> PaymentLog::undo(std::string_view lines, Appended ours) {
  TornFile torn(place_, read_fd_.get());
  uint64_t seen = undo_bytes_;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const base::Result<std::string> found = read_from(seen);
    if (!found) return base::fail(found.error());
    if (found->empty()) {
      const bool untouched = seen == undo_bytes_ && ours.bytes == 0;
      return untouched ? base::Result<void>()
                       : truncate_durably(write_fd_.get(), undo_bytes_, name_);
    }
    const std::string foreign = seen == undo_bytes_ ? foreign_part(*found, lines, ours) : *found;
    seen += found->size();
    if (foreign.empty()) continue;
    base::Result<void> kept = torn.keep(foreign);
    if (!kept) return kept;
    diagnostics_->error(fmt::format(
        "{}: what another writer appended without the lock stands in {}", name_, torn.path()));
  }
  return base::fail(somebody_appends());
}

base::Error PaymentLog::undone(base::Error error, std::string_view lines, Appended ours) {
  const base::Result<void> done = undo(lines, ours);
  if (!done) {
    error.message += fmt::format("; and what was written of it could not be taken back ({})",
                                 done.error().message);
    broken_ = true;
  }
  return error;
}

base::Result<void> PaymentLog::repair() {
  TornFile torn(place_, read_fd_.get());
  std::optional<uint64_t> kept_from;  // up to `undo_bytes_` it is in that file
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const base::Result<uint64_t> size = io::file_size(read_fd_.get(), name_);
    if (!size) return base::fail(size.error());
    if (kept_from && *size == undo_bytes_) {
      return cut_tail(*kept_from, torn);
    }
    if (kept_from) torn.take_back();  // it has grown: what it is now may be whole
    const base::Result<LogTail> tail = examine_log_tail(read_fd_.get(), *size, name_);
    if (!tail) return base::fail(tail.error());
    undo_bytes_ = *size;
    if (tail->whole_bytes == *size) return {};
    if (tail->lacks_newline) {
      Appended newline;
      base::Result<void> written = append(write_fd_.get(), "\n", name_, newline);
      if (!written) note_failure(newline.reason);
      undo_bytes_ += newline.bytes;
      return written;
    }
    base::Result<void> kept = torn.keep(tail->whole_bytes, *size);
    if (!kept) return kept;
    kept_from = tail->whole_bytes;
  }
  torn.take_back();
  return base::fail(somebody_appends());
}

base::Error PaymentLog::somebody_appends() const {
  return {fmt::format("{}: somebody appends to it without the lock all the time", name_)};
}

// What follows is written behind a truncation that is on the disk: see prepare().
base::Result<void> PaymentLog::cut_tail(uint64_t whole_bytes, TornFile& torn) {
  base::Result<void> cut = truncate_to(write_fd_.get(), whole_bytes, name_);
  if (!cut) {
    torn.take_back();
    return cut;
  }
  const uint64_t bytes = undo_bytes_ - whole_bytes;
  undo_bytes_ = whole_bytes;
  diagnostics_->error(
      fmt::format("{}: the last {} bytes were no whole line, left by a writer that was stopped in "
                  "the middle: they stand in {} now",
                  name_, bytes, torn.path()));
  return sync_contents();
}

}  // namespace paystats::log
