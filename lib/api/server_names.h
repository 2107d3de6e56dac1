// The names of this server, and the origins of its page: which Host and which Origin of a request
// are taken, and what a refusal says that a person can set.
//
// In Host these are names of the server, each with any port, since ssh -L, docker -p and kubectl
// port-forward make the port of another listener the client's:
//
//   - loopback: all its addresses, localhost, and the names under localhost (RFC 6761). Browsers
//     answer these themselves, so no DNS name of a foreign site (DNS rebinding) can be one of them.
//     ip6-localhost and its like are none: only a file of hosts keeps them from DNS;
//   - the address that the connection came in by: an address is not resolved at all;
//   - what --allow-host names (NAME, or NAME:PORT with that port alone), and the host of
//     --public-url.
//
// An Origin is of the server's own page where it is that of --public-url, or where it has the name
// and the port of Host, by http or https (a proxy may speak TLS). So the page of another port of
// localhost is none. Where Host has the name of the public URL, from a proxy, its origin is the
// only one: a proxy may leave out the port, and http://pay.example.org is not
// https://pay.example.org. Nothing of X-Forwarded-* or Forwarded is believed: anybody can send it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"
#include "api/origin.h"
#include "api/public_url.h"
#include "base/result.h"

namespace paystats::api {

class ServerNames {
 public:
  // A name that cannot be one is left out: see check_host_name().
  ServerNames(const std::vector<std::string>& allowed_hosts, std::optional<PublicUrl> public_url);

  // `host` is the value of a Host field.
  bool is_ours(std::string_view host, const HttpRequest& request) const;
  // `origin` is the value of an Origin field, `host` one that is_ours().
  bool is_own_origin(std::string_view origin, std::string_view host) const;

  // What a client is told about one that is not: the option with its value, where it can be one.
  std::string host_refusal(std::string_view host) const;
  std::string origin_refusal(std::string_view origin) const;

 private:
  // Loopback or allowed.
  bool is_named(const Authority& authority) const;

  struct Name {
    std::string name;
    std::optional<uint16_t> port;
  };

  std::vector<Name> allowed_;
  const std::optional<PublicUrl> public_url_;
};

// Of an argument of --allow-host.
base::Result<void> check_host_name(std::string_view text);

}  // namespace paystats::api
