// Where the server listens: an address of TCP, or a Unix socket, as "unix:serve.sock".
//
//   Result<ListenAddress> address = parse_listen_address("127.0.0.1:8080");
//   Result<Listener> listener = Listener::open(loop, *address);
//   listener->acceptor().accept(error);
//
// Of a Unix socket at most one process has the path, see loop/socket_claim.h; its mode is 0660, so
// that a proxy of the same group can connect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "loop/asio_tcp.h"
#include "loop/event_loop.h"
#include "loop/socket_claim.h"

namespace paystats::http {

struct ListenAddress {
  std::string host;   // an address, with or without brackets, or "localhost"; empty: a Unix socket
  uint16_t port = 0;  // 0: any free one
  std::string socket_path;
};

// "127.0.0.1:8080", "[::1]:0", "localhost:80" or "unix:PATH".
base::Result<ListenAddress> parse_listen_address(const std::string& text);

// Whether this machine has no such address, which it may be given later (by DHCP, say).
bool is_missing(loop::EventLoop& loop, const ListenAddress& address);

// As a URL writes it: "127.0.0.1", "[::1]".
std::string url_host(const loop::asio::ip::address& address);

class Listener {
 public:
  using Acceptor = loop::asio::basic_socket_acceptor<loop::asio::generic::stream_protocol>;

  static base::Result<Listener> open(loop::EventLoop& loop, const ListenAddress& address);

  Acceptor& acceptor() { return acceptor_; }

  // As one tells it to others: "http://127.0.0.1:8080/", "unix:serve.sock".
  const std::string& name() const { return name_; }
  // That of a URL, "127.0.0.1" or "[::1]", and its port; nothing of a Unix socket.
  const std::string& host() const { return host_; }
  uint16_t port() const { return port_; }
  // Whether other machines can connect.
  bool is_public() const { return is_public_; }

 private:
  explicit Listener(Acceptor acceptor) : acceptor_(std::move(acceptor)) {}

  static base::Result<Listener> open_tcp(loop::EventLoop& loop, const ListenAddress& address);
  static base::Result<Listener> open_unix(loop::EventLoop& loop, const std::string& path);

  std::optional<loop::SocketClaim> claim_;
  Acceptor acceptor_;  // after the claim, which removes the path once nobody listens
  std::string name_;
  std::string host_;
  uint16_t port_ = 0;
  bool is_public_ = false;
};

}  // namespace paystats::http
