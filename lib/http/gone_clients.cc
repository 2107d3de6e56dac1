#include "http/gone_clients.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

namespace paystats::http {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kWaitSinceRead = milliseconds(100);
constexpr milliseconds kWaitSinceArrival = std::chrono::seconds(1);

// How long ago the last byte came over this connection; nothing where the kernel cannot tell.
milliseconds since_arrival(int client_fd) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (::getsockopt(client_fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return milliseconds(info.tcpi_last_data_recv);
}

bool has_waited(const WriteItem& item) {
  return SteadyClock::now() - item.since >= kWaitSinceRead ||
         since_arrival(item.client_fd) >= kWaitSinceArrival;
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
    const bool ended = (events & POLLRDHUP) != 0 && has_waited(items[i]);
    gone[i] = ended || (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  }
  return gone;
}

}  // namespace paystats::http
