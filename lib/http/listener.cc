#include "http/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <charconv>
#include <string_view>
#include <utility>

namespace paystats::http {
namespace {

using Tcp = loop::asio::ip::tcp;

constexpr std::string_view kUnix = "unix:";

loop::asio::ip::address parse_host(const std::string& host, loop::ErrorCode& error) {
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string bare = in_brackets ? host.substr(1, host.size() - 2) : host;
  return loop::asio::ip::make_address(bare == "localhost" ? "127.0.0.1" : bare, error);
}

}  // namespace

std::string url_host(const loop::asio::ip::address& address) {
  return address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
}

base::Result<ListenAddress> parse_listen_address(const std::string& text) {
  ListenAddress result;
  if (text.starts_with(kUnix)) {
    result.socket_path = text.substr(kUnix.size());
    if (base::Result<void> good = loop::check_socket_path(result.socket_path); !good)
      return base::fail(good.error());
    return result;
  }
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos && colon > 0) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, result.port);
    result.host = text.substr(0, colon);
    const bool one_address = result.host.find(':') == std::string::npos || result.host[0] == '[';
    loop::ErrorCode bad_host;
    parse_host(result.host, bad_host);
    if (error == std::errc{} && stop == end && one_address && !bad_host) return result;
  }
  return base::fail(fmt::format(
      "{}: not an address such as 127.0.0.1:8080, [::1]:8080, localhost:0 or unix:PATH", text));
}

bool is_missing(loop::EventLoop& loop, const ListenAddress& address) {
  if (address.host.empty()) return false;
  loop::ErrorCode error;
  const Tcp::endpoint any_port(parse_host(address.host, error), 0);
  Tcp::socket socket(loop.context());
  if (!error) socket.open(any_port.protocol(), error);
  if (!error) socket.bind(any_port, error);
  return error == std::errc::address_not_available;
}

base::Result<Listener> Listener::open(loop::EventLoop& loop, const ListenAddress& address) {
  return address.host.empty() ? open_unix(loop, address.socket_path) : open_tcp(loop, address);
}

base::Result<Listener> Listener::open_tcp(loop::EventLoop& loop, const ListenAddress& address) {
  loop::ErrorCode error;
  const loop::asio::ip::address host = parse_host(address.host, error);
  if (error) return base::fail(fmt::format("{}: not an address to listen on", address.host));
  Tcp::acceptor acceptor(loop.context());
  const Tcp::endpoint endpoint(host, address.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(loop::asio::socket_base::max_listen_connections, error);
  Tcp::endpoint bound;
  if (!error) bound = acceptor.local_endpoint(error);
  if (error) {
    return base::fail(
        base::system_error(fmt::format("{}:{}", address.host, address.port), error.value()));
  }
  Listener listener{Acceptor(std::move(acceptor))};
  listener.host_ = url_host(host);
  listener.port_ = bound.port();
  listener.name_ = fmt::format("http://{}:{}/", listener.host_, listener.port_);
  listener.is_public_ = !host.is_loopback();
  return listener;
}

base::Result<Listener> Listener::open_unix(loop::EventLoop& loop, const std::string& path) {
  base::Result<loop::SocketClaim> claim =
      loop::SocketClaim::take(path, loop::SocketClaim::kOwnerAndGroup);
  if (!claim) return base::fail(claim.error());
  base::UniqueFd fd = claim->take_listener();
  Acceptor acceptor(loop.context());
  loop::ErrorCode error;
  acceptor.assign(loop::asio::generic::stream_protocol(AF_UNIX, 0), fd.get(), error);
  if (error) return base::fail(base::system_error(path, error.value()));
  fd.release();
  Listener listener(std::move(acceptor));
  listener.claim_.emplace(std::move(*claim));
  listener.name_ = std::string(kUnix) + path;
  return listener;
}

}  // namespace paystats::http
