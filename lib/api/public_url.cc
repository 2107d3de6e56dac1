#include "api/public_url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/http.h"
#include "base/terminal_text.h"

namespace paystats::api {
namespace {

constexpr std::string_view kPathCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@";

// As browsers write it: an IPv6 address in its shortest form.
std::string canonical(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!lower.starts_with('[')) return lower;
  in6_addr address = {};
  char shortest[INET6_ADDRSTRLEN] = {};
  inet_pton(AF_INET6, lower.substr(1, lower.size() - 2).c_str(), &address);
  return fmt::format("[{}]", inet_ntop(AF_INET6, &address, shortest, sizeof shortest));
}

base::Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (segment.empty()) return base::fail("two slashes beside each other in the path");
    if (segment == "." || segment == "..") {
      return base::fail("\".\" or \"..\" in the path: browsers leave them out");
    }
    if (segment.find('%') != segment.npos) {
      return base::fail(
          "a percent sign in the path: use a path of characters that need no encoding");
    }
    if (segment.find_first_not_of(kPathCharacters) != segment.npos) {
      return base::fail(
          "a character in the path that is neither an ASCII letter, a digit nor one of "
          "-._~!$&'()*+,;=:@");
    }
    segments.emplace_back(segment);
  }
  return segments;
}

// What is wrong with something that is no authority, in the words of who wrote it.
std::string flaw_of(std::string_view authority) {
  if (authority.empty() || authority[0] == ':') return "no host";
  if (authority.find('@') != authority.npos) return "a user before the host";
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', authority[0] == '[' ? bracket : 0);
  if (colon != authority.npos && parse_authority(authority.substr(0, colon))) {
    return "the port is not a number from 1 to 65535";
  }
  return "the host is not a name of letters, digits, \"-\", \"_\" and dots, nor an address as "
         "browsers write it";
}

}  // namespace

bool PublicUrl::has_origin(const Origin& origin) const {
  return origin.secure == secure && origin.port() == port &&
         is_same_name(origin.authority.name, name);
}

std::string PublicUrl::origin() const {
  const std::string plain = fmt::format("{}://{}", secure ? "https" : "http", name);
  return port == (secure ? 443 : 80) ? plain : fmt::format("{}:{}", plain, port);
}

std::string PublicUrl::text() const {
  std::string all = origin() + "/";
  for (const std::string& segment : segments) all += segment + "/";
  return all;
}

base::Result<PublicUrl> parse_public_url(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return base::fail(fmt::format("{}: {}", base::printable(text), why));
  };
  const std::optional<SplitUrl> split = split_scheme(text);
  if (!split) return fail("must begin with http:// or https://");
  if (text.find('?') != text.npos) return fail("has a query");
  if (text.find('#') != text.npos) return fail("has a fragment");
  const size_t slash = std::min(split->rest.find('/'), split->rest.size());
  const std::string_view host = split->rest.substr(0, slash);
  const std::optional<Authority> authority = parse_authority(host);
  if (!authority) return fail(flaw_of(host));
  std::string_view path = split->rest.substr(slash);
  if (!path.empty()) path.remove_prefix(1);
  base::Result<std::vector<std::string>> segments = parse_path(path);
  if (!segments) return fail(segments.error().message);
  return PublicUrl{split->secure, canonical(authority->name),
                   Origin{split->secure, *authority}.port(), std::move(*segments)};
}

}  // namespace paystats::api
