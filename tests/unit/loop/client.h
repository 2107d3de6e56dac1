// What the test clients of several rooms share: a connected socket, with bytes out and bytes in by
// plain system calls. A wait for bytes has the limit of any wait.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "unit/support.h"

namespace paystats::loop {

class SocketClient {
 public:
  bool connected() const { return connected_; }
  int fd() const { return fd_.get(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

  // Whether the other side has closed, as far as has been read.
  bool ended() const { return ended_; }

 protected:
  // A connected socket, or one that connect_to() will connect.
  explicit SocketClient(base::UniqueFd fd, bool connected = false)
      : fd_(std::move(fd)), connected_(connected) {}

  template <class Address>
  void connect_to(const Address& address) {
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  // Waits for more, which is then at the end of received_. False at the end, or after kLimit.
  bool receive() {
    constexpr auto kLimitMs = std::chrono::milliseconds(kLimit).count();
    pollfd polled{fd_.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(kLimitMs)) != 1) return false;
    char buffer[65536];
    const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    ended_ = n <= 0;
    if (!ended_) received_.append(buffer, static_cast<size_t>(n));
    return !ended_;
  }

  // Takes the first bytes of received_.
  std::string take(size_t bytes) {
    std::string taken = received_.substr(0, bytes);
    received_.erase(0, bytes);
    return taken;
  }

  // What comes up to `text`, and that itself.
  std::optional<std::string> receive_through(std::string_view text) {
    size_t at = 0;
    while ((at = received_.find(text)) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    return take(at + text.size());
  }

  base::UniqueFd fd_;
  std::string received_;

 private:
  bool connected_ = false;
  bool ended_ = false;
};

class UnixClient : public SocketClient {
 public:
  explicit UnixClient(const std::string& path)
      : SocketClient(base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connect_to(address);
  }

  using SocketClient::receive_through;

 protected:
  using SocketClient::SocketClient;
};

}  // namespace paystats::loop
