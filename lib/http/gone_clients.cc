#include "http/gone_clients.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace paystats::http {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kHalfClosedWait = milliseconds(100);

// How long ago the last byte of a request arrived: we may have read it later, since this process
// was stopped, or busy.
SteadyClock::duration age_of(const WriteItem& item) {
  const SteadyClock::duration since_read = SteadyClock::now() - item.since;
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (::getsockopt(item.client_fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return since_read;
  return std::max<SteadyClock::duration>(since_read, milliseconds(info.tcpi_last_data_recv));
}

}  // namespace

std::vector<bool> gone_clients(const std::vector<WriteItem>& items) {
  std::vector<pollfd> polled;
  polled.reserve(items.size());
  for (const WriteItem& item : items) polled.push_back({item.client_fd, POLLRDHUP, 0});
  std::vector<bool> gone(items.size(), false);
  if (::poll(polled.data(), polled.size(), 0) <= 0) return gone;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto events = static_cast<unsigned>(polled[i].revents);
    const bool ended = (events & POLLRDHUP) != 0 && age_of(items[i]) >= kHalfClosedWait;
    gone[i] = ended || (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  }
  return gone;
}

}  // namespace paystats::http
