#include "log/name_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include "log/file_name.h"

namespace paystats::log {
namespace {

constexpr int kTriesMax = 10;
constexpr int kEventWaitMs = 10;  // a new file can be open a moment before its event is there

}  // namespace

void NameWatch::end() {
  inotify_.reset();
  folder_.reset();
  files_.clear();
  moving_.clear();
}

// The watch is there before the name is looked at: what happens later is an event.
void NameWatch::begin(int fd) {
  end();
  const std::optional<std::string> path = name_of(fd);
  if (!path) return;
  const std::filesystem::path place(*path);
  name_ = place.filename().string();
  folder_ = base::UniqueFd(::open(place.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  inotify_ = base::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!folder_ || !inotify_) return end();
  const std::string folder = fmt::format("/proc/self/fd/{}", folder_.get());
  const uint32_t what = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
  if (::inotify_add_watch(inotify_.get(), folder.c_str(), what) < 0) return end();
  if (!lies_at(fd, name_)) return end();
  files_.emplace_back(name_);
}

bool NameWatch::lies_at(int fd, const std::string& name) const {
  struct stat ours = {};
  struct stat named = {};
  return ::fstat(fd, &ours) == 0 &&
         ::fstatat(folder_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

void NameWatch::look() {
  alignas(inotify_event) std::array<char, 4096> events;
  while (!files_.empty()) {
    const ssize_t n = ::read(inotify_.get(), events.data(), events.size());
    if (n <= 0) return;
    for (size_t at = 0; at < static_cast<size_t>(n) && !files_.empty();) {
      const auto& event = *reinterpret_cast<const inotify_event*>(events.data() + at);
      take(event);
      at += sizeof event + event.len;
    }
  }
}

void NameWatch::take(const inotify_event& event) {
  if ((event.mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT)) != 0) return end();
  if (event.len == 0) return;
  const std::string name(event.name);
  if ((event.mask & IN_MOVED_FROM) != 0) {
    std::vector<size_t> left = leave(name);
    if (!left.empty()) moving_[event.cookie] = std::move(left);
  } else if ((event.mask & IN_MOVED_TO) != 0) {
    const auto moved = moving_.extract(event.cookie);
    appeared(name, moved.empty() ? std::vector<size_t>() : moved.mapped());
  } else if ((event.mask & IN_CREATE) != 0) {
    appeared(name, {});
  } else if ((event.mask & IN_DELETE) != 0) {
    leave(name);
  }
}

// Which files do not lie there any more.
std::vector<size_t> NameWatch::leave(std::string_view name) {
  std::vector<size_t> left;
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i] != name) continue;
    files_[i].reset();
    left.push_back(i);
  }
  return left;
}

// A rename also replaces what was there.
void NameWatch::appeared(const std::string& name, const std::vector<size_t>& moved) {
  leave(name);
  if (name == name_) {
    files_.emplace_back(name);
    return;
  }
  for (const size_t i : moved) files_[i] = name;
}

std::optional<size_t> NameWatch::find(int fd) const {
  for (size_t i = files_.size(); i > 1; --i) {
    const Place& place = files_[i - 1];
    if (place && lies_at(fd, *place)) return i - 1;
  }
  return std::nullopt;
}

std::optional<size_t> NameWatch::wait_for(int fd) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    look();
    if (files_.empty()) return std::nullopt;
    if (const std::optional<size_t> found = find(fd)) return found;
    pollfd polled = {inotify_.get(), POLLIN, 0};
    if (::poll(&polled, 1, kEventWaitMs) <= 0) return std::nullopt;
  }
  return std::nullopt;
}

// What is opened is that file if it still lies there afterwards.
base::UniqueFd NameWatch::open(size_t index) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    look();
    if (index >= files_.size() || !files_[index]) break;
    const std::string name = *files_[index];
    base::UniqueFd fd(
        ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    look();
    if (index >= files_.size() || files_[index] != name) continue;
    if (fd && base::fd_type(fd.get()) == base::FdType::kRegular) return fd;
    break;
  }
  return {};
}

NameWatch::Between NameWatch::advance(int fd) {
  Between between;
  const std::optional<size_t> index = wait_for(fd);
  if (!index) {
    begin(fd);
    return between;
  }
  between.all = true;
  for (size_t i = 1; i < *index; ++i) {
    base::UniqueFd found = open(i);
    between.all = between.all && found;
    if (found) between.files.push_back(std::move(found));
  }
  if (*index >= files_.size()) {  // the watch has ended meanwhile
    between.all = false;
    begin(fd);
    return between;
  }
  files_.erase(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(*index));
  moving_.clear();  // places of before
  return between;
}

}  // namespace paystats::log
