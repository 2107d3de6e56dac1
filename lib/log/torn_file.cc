#include "log/torn_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "io/fd_io.h"
#include "log/sync.h"

namespace paystats::log {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

class TornFile {
 public:
  base::Result<void> open(const std::string& path) {
    path_ = path;
    base::Result<base::UniqueFd> opened =
        base::open_file(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK);
    if (!opened) return base::fail(opened.error());
    fd_ = std::move(*opened);
    if (base::fd_type(fd_.get()) != base::FdType::kRegular) {
      return base::fail(fmt::format("{}: not a regular file", path));
    }
    const base::Result<uint64_t> size = io::file_size(fd_.get(), path);
    if (!size) return base::fail(size.error());
    bytes_before_ = *size;
    return {};
  }

  base::Result<void> append(std::string_view bytes) {
    std::string shown;
    while (!bytes.empty()) {
      const size_t nuls = std::min(bytes.find_first_not_of('\0'), bytes.size());
      nuls_ += nuls;
      bytes.remove_prefix(nuls);
      if (bytes.empty()) break;
      show_nuls(shown);
      const size_t plain = std::min(bytes.find('\0'), bytes.size());
      shown += bytes.substr(0, plain);
      bytes.remove_prefix(plain);
    }
    return io::write_stream(fd_.get(), shown, path_);
  }

  base::Result<void> finish() {
    std::string shown;
    show_nuls(shown);
    shown += '\n';
    if (base::Result<void> written = io::write_stream(fd_.get(), shown, path_); !written) {
      return written;
    }
    if (const int reason = io::sync_all(fd_.get()); reason != 0) {
      return base::fail(base::system_error(path_, reason));
    }
    return sync_name(fd_.get(), path_);
  }

  // What could not be kept as a whole is not kept in part. An error here adds nothing to the one
  // that is being reported.
  void undo() {
    if (fd_) {
      [[maybe_unused]] const base::Result<void> undone =
          truncate_to(fd_.get(), bytes_before_, path_);
    }
  }

 private:
  void show_nuls(std::string& shown) {
    if (nuls_ > 0) shown += fmt::format("[{} NUL byte{}]", nuls_, nuls_ == 1 ? "" : "s");
    nuls_ = 0;
  }

  std::string path_;
  base::UniqueFd fd_;
  uint64_t bytes_before_ = 0;
  uint64_t nuls_ = 0;  // of a run that may go on
};

base::Result<void> append_range(TornFile& torn, int fd, uint64_t begin, uint64_t end,
                                const std::string& name) {
  std::string chunk(kChunkBytes, '\0');
  while (begin < end) {
    const size_t wanted = std::min<uint64_t>(chunk.size(), end - begin);
    const base::Result<size_t> n = io::read_at(fd, begin, chunk.data(), wanted, name);
    if (!n) return base::fail(n.error());
    if (*n == 0) break;
    base::Result<void> appended = torn.append(std::string_view(chunk.data(), *n));
    if (!appended) return appended;
    begin += *n;
  }
  return {};
}

template <class Append>
base::Result<void> keep(const std::string& log_path, Append&& append) {
  TornFile torn;
  base::Result<void> kept = torn.open(torn_path(log_path));
  if (!kept) return kept;
  kept = append(torn);
  if (kept) kept = torn.finish();
  if (!kept) torn.undo();
  return kept;
}

}  // namespace

base::Result<void> keep_torn(const std::string& log_path, std::string_view bytes) {
  return keep(log_path, [&](TornFile& torn) { return torn.append(bytes); });
}

base::Result<void> keep_torn(const std::string& log_path, int fd, uint64_t begin, uint64_t end) {
  return keep(log_path,
              [&](TornFile& torn) { return append_range(torn, fd, begin, end, log_path); });
}

}  // namespace paystats::log
