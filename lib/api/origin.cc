#include "api/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "api/http.h"

namespace paystats::api {
namespace {

constexpr size_t kNameBytesMax = 253;  // of a domain name
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
         text.find_first_not_of(kNameCharacters) == text.npos && text.find("..") == text.npos;
}

bool is_ipv6(std::string_view text) {
  in6_addr address = {};
  return text.size() < INET6_ADDRSTRLEN &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos &&
         inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || stop != text.data() + text.size() || text[0] == '0') {
    return std::nullopt;
  }
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
  if (literal ? !is_ipv6(text.substr(1, bracket - 1)) : !is_name(authority.name)) {
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

}  // namespace paystats::api
