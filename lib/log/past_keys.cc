#include "log/past_keys.h"

#include <algorithm>
#include <utility>

#include "io/fd_io.h"
#include "keys/keyed_lines.h"
#include "record/payment.h"

namespace paystats::log {
namespace {

constexpr uint64_t kWindowBytes = 4 << 20;
static_assert(kWindowBytes > record::kLineBytesMax);

}  // namespace

PastKeys::PastKeys(base::UniqueFd fd, uint64_t size, uint64_t keys_max, std::string name)
    : fd_(std::move(fd)), size_(size), keys_max_(keys_max), name_(std::move(name)) {}

PastKeys::~PastKeys() {
  give_up_ = true;
  if (thread_.joinable()) thread_.join();
}

base::Result<void> PastKeys::start() {
  base::Result<base::Thread> thread = base::start_thread([this] {
    outcome_ = read();
    done_.store(true, std::memory_order_release);
  });
  if (!thread) return base::fail(thread.error());
  thread_ = std::move(*thread);
  return {};
}

// A window begins in the middle of a line, which is left to the next one; a line that fills a
// window is too long for a request.
base::Result<void> PastKeys::read() {
  std::string window;
  std::vector<keys::KeyPlace> found;
  constexpr uint64_t kShortLineBytes = 64;                         // with a key
  entries_.reserve(std::min(keys_max_, size_ / kShortLineBytes));  // memory that is used or not
  uint64_t end = size_;
  while (end > 0 && entries_.size() < keys_max_) {
    if (give_up_) return {};
    window.resize(std::min(kWindowBytes, end));
    const uint64_t begin = end - window.size();
    const base::Result<size_t> n =
        io::read_at(fd_.get(), begin, window.data(), window.size(), name_);
    if (!n) return base::fail(n.error());
    window.resize(*n);  // fewer: somebody has cut the log
    size_t first = 0;
    if (begin > 0) {
      const size_t newline = window.find('\n');
      first = newline == window.npos ? window.size() : newline + 1;
    }
    found.clear();
    const std::string_view lines = std::string_view(window).substr(first);
    keys::for_each_key(lines, [&](std::string_view key, size_t line) {
      found.push_back({keys::fingerprint_of(key), begin + first + line});
    });
    const size_t wanted = std::min<size_t>(found.size(), keys_max_ - entries_.size());
    entries_.insert(entries_.end(), found.end() - static_cast<ptrdiff_t>(wanted), found.end());
    end = first == window.size() ? begin : begin + first;
    if (wanted < found.size()) return {};
  }
  complete_ = end == 0;
  return {};
}

}  // namespace paystats::log
