// Whom a URL names, taken apart: the authority that stands in a Host field ("localhost:8080"), and
// the origin that a browser sends in an Origin field ("https://pay.example.org"). Views of the
// text.
//
//   const std::optional<Origin> origin = parse_origin(text);
//   if (origin) use(origin->secure, origin->authority.name, origin->port());
//
// Strict: what has a user, a path, an empty port, a zero in front of it, or a character that no
// name has is none. So whatever is taken here can be shown, and written behind an option, as it is.
// A name has labels of at most 63 bytes without a hyphen at either end; one that ends in a number
// is an IPv4 address of four decimal numbers, since browsers make one of it (127.1 is 127.0.0.1).
// Source: RFC 3986, section 3.2; RFC 6454, section 7; RFC 1123, section 2.1; WHATWG URL,
// section 3.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace paystats::api {

struct Authority {
  std::string_view name;         // as written: "Pay.example.org", "127.0.0.1", "[::1]"
  std::optional<uint16_t> port;  // where one is written
};

struct Origin {
  bool secure = false;  // https
  Authority authority;

  uint16_t port() const { return authority.port.value_or(secure ? 443 : 80); }
};

struct SplitUrl {
  bool secure = false;
  std::string_view rest;  // behind "http://" or "https://"
};

// Nothing where it begins with neither.
std::optional<SplitUrl> split_scheme(std::string_view url);

std::optional<Authority> parse_authority(std::string_view text);
std::optional<Origin> parse_origin(std::string_view text);

// Of two names of authorities: in whatever case, and with or without the dot that ends a name.
bool is_same_name(std::string_view a, std::string_view b);

// Whether the name of an authority is loopback whatever a server of DNS may say: 127.0.0.0/8,
// [::1], and localhost with all names under it.
bool is_loopback(std::string_view name);

}  // namespace paystats::api
