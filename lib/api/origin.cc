#include "api/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "api/http.h"
#include "base/numbers.h"

namespace paystats::api {
namespace {

constexpr size_t kNameBytesMax = 253;  // of a domain name, without the dot at its end
constexpr size_t kLabelBytesMax = 63;
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

std::string_view without_last_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLabelBytesMax && text.front() != '-' &&
         text.back() != '-';
}

// Browsers make an IPv4 address of a name that ends so, or refuse it.
bool ends_in_number(std::string_view name) {
  name = without_last_dot(name);
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (last.starts_with("0x") || last.starts_with("0X")) {
    return last.find_first_not_of("0123456789abcdefABCDEF", 2) == last.npos;
  }
  return last.find_first_not_of("0123456789") == last.npos;
}

std::optional<in_addr> parse_ipv4(std::string_view text) {
  in_addr address = {};
  const bool good = text.size() < INET_ADDRSTRLEN &&
                    text.find_first_not_of("0123456789.") == text.npos &&
                    inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
  return good ? std::optional(address) : std::nullopt;
}

std::optional<in6_addr> parse_ipv6(std::string_view text) {
  in6_addr address = {};
  const bool good = text.size() < INET6_ADDRSTRLEN &&
                    text.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos &&
                    inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
  return good ? std::optional(address) : std::nullopt;
}

bool is_name(std::string_view text) {
  if (text.find_first_not_of(kNameCharacters) != text.npos) return false;
  if (ends_in_number(text)) return parse_ipv4(text).has_value();
  text = without_last_dot(text);
  if (text.size() > kNameBytesMax) return false;
  for (;;) {
    const size_t dot = std::min(text.find('.'), text.size());
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == text.size()) return true;
    text.remove_prefix(dot + 1);
  }
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  if (!base::read_number(text, port) || text[0] == '0') return std::nullopt;
  return port;
}

}  // namespace

std::optional<SplitUrl> split_scheme(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equal_ignoring_case(url.substr(0, scheme.size()), scheme)) {
      return SplitUrl{scheme == "https://", url.substr(scheme.size())};
    }
  }
  return std::nullopt;
}

std::optional<Authority> parse_authority(std::string_view text) {
  const bool literal = text.starts_with('[');
  const size_t bracket = text.find(']');
  if (literal && bracket == text.npos) return std::nullopt;
  const size_t end = literal ? bracket + 1 : std::min(text.find(':'), text.size());
  Authority authority{text.substr(0, end), std::nullopt};
  if (literal ? !parse_ipv6(text.substr(1, bracket - 1)) : !is_name(authority.name)) {
    return std::nullopt;
  }
  if (end == text.size()) return authority;
  if (text[end] != ':') return std::nullopt;
  authority.port = parse_port(text.substr(end + 1));
  return authority.port ? std::optional(authority) : std::nullopt;
}

std::optional<Origin> parse_origin(std::string_view text) {
  const std::optional<SplitUrl> split = split_scheme(text);
  if (!split) return std::nullopt;
  const std::optional<Authority> authority = parse_authority(split->rest);
  if (!authority) return std::nullopt;
  return Origin{split->secure, *authority};
}

bool is_same_name(std::string_view a, std::string_view b) {
  return equal_ignoring_case(without_last_dot(a), without_last_dot(b));
}

bool is_loopback(std::string_view name) {
  constexpr uint8_t kLoopbackNet = 127;
  if (name.starts_with('[')) {
    const std::optional<in6_addr> address = parse_ipv6(name.substr(1, name.size() - 2));
    return address && (IN6_IS_ADDR_LOOPBACK(&*address) ||
                       (IN6_IS_ADDR_V4MAPPED(&*address) && address->s6_addr[12] == kLoopbackNet));
  }
  if (const std::optional<in_addr> address = parse_ipv4(name)) {
    return ntohl(address->s_addr) >> 24U == kLoopbackNet;
  }
  constexpr std::string_view kReserved = "localhost";
  name = without_last_dot(name);
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return equal_ignoring_case(last, kReserved);
}

}  // namespace paystats::api
