#include "kafka/slots.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/hash.h"

namespace paystats::kafka {
namespace {

constexpr int kSlotsMax = 10'000;
constexpr size_t kStemBytesMax = 200;  // of a file name's 255

std::string default_folder() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool usable = runtime != nullptr && *runtime == '/' && ::access(runtime, W_OK | X_OK) == 0;
  return fmt::format("{}/paystats-{}", usable ? runtime : "/tmp", ::geteuid());
}

// In /tmp anybody could have made the folder before us.
base::Result<void> make_own_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::fail(base::system_error(folder, errno));
  }
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) return base::fail(base::system_error(folder, errno));
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid()) {
    return base::fail(fmt::format("{}: not a folder of this user", folder));
  }
  return {};
}

std::string file_stem(std::string_view prefix) {
  std::string stem;
  for (const char c : prefix) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    if (plain) {
      stem += c;
    } else {
      stem += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (stem.size() <= kStemBytesMax) return stem;
  return fmt::format("{}%{:016x}", stem.substr(0, kStemBytesMax - 17), base::hash_bytes(prefix, 0));
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace

Slot::Slot(base::UniqueFd lock, std::string name, int number)
    : lock_(std::move(lock)), name_(std::move(name)), number_(number) {}

base::Result<Slot> Slot::take(std::string_view prefix) {
  return take_in(default_folder(), prefix);
}

base::Result<Slot> Slot::take_in(const std::string& folder, std::string_view prefix) {
  if (base::Result<void> made = make_own_folder(folder); !made) return base::fail(made.error());
  const std::string stem = file_stem(prefix);
  for (int number = 0; number < kSlotsMax; ++number) {
    const std::string path = fmt::format("{}/{}.{}.lock", folder, stem, number);
    base::Result<base::UniqueFd> lock = base::open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (!lock) return base::fail(lock.error());
    // The files stay: to remove one would let two processes hold locks on files of one name.
    if (::flock(lock->get(), LOCK_EX | LOCK_NB) == 0) {
      return Slot(std::move(*lock), fmt::format("{}.{}.{}", prefix, host_name(), number), number);
    }
    if (errno != EWOULDBLOCK && errno != EINTR) return base::fail(base::system_error(path, errno));
  }
  return base::fail(fmt::format("{}: all {} slots are taken", folder, kSlotsMax));
}

}  // namespace paystats::kafka
