#include "api/server_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/terminal_text.h"

namespace paystats::api {
namespace {

constexpr size_t kShownBytesMax = 300;  // a host of the longest name, with its port, is shown whole

std::string shown(std::string_view text) {
  return base::printable(text.substr(0, kShownBytesMax));
}

}  // namespace

ServerNames::ServerNames(const std::vector<std::string>& allowed_hosts,
                         std::optional<PublicUrl> public_url)
    : public_url_(std::move(public_url)) {
  for (const std::string& text : allowed_hosts) {
    const std::optional<Authority> authority = parse_authority(text);
    if (authority) allowed_.push_back({std::string(authority->name), authority->port});
  }
}

bool ServerNames::is_ours(std::string_view host, const HttpRequest& request) const {
  const std::optional<Authority> authority = parse_authority(host);
  if (!authority) return false;
  return is_same_name(authority->name, request.local_host) || is_named(*authority) ||
         (public_url_ && is_same_name(authority->name, public_url_->name));
}

bool ServerNames::is_named(const Authority& authority) const {
  return is_loopback(authority.name) ||
         std::any_of(allowed_.begin(), allowed_.end(), [&](const Name& own) {
           return (!own.port || own.port == authority.port) &&
                  is_same_name(own.name, authority.name);
         });
}

bool ServerNames::is_own_origin(std::string_view text, std::string_view host) const {
  const std::optional<Origin> origin = parse_origin(text);
  if (!origin) return false;
  if (public_url_ && public_url_->has_origin(*origin)) return true;
  const std::optional<Authority> authority = parse_authority(host);
  if (!authority) return false;
  if (public_url_ && is_same_name(authority->name, public_url_->name) && !is_named(*authority)) {
    return false;
  }
  return is_same_name(origin->authority.name, authority->name) &&
         Origin{origin->secure, *authority}.port() == origin->port();
}

std::string ServerNames::host_refusal(std::string_view host) const {
  if (!parse_authority(host)) return fmt::format("Host: {} is no name of a server", shown(host));
  return fmt::format(
      "Host: {0} is no name of this server. If it is to be one, start paystats-serve with "
      "--allow-host {0}, or, behind a proxy, with --public-url and the address of the page there",
      shown(host));
}

std::string ServerNames::origin_refusal(std::string_view origin) const {
  if (!parse_origin(origin)) {
    return "Origin: requests are taken from this server's own page only";
  }
  if (public_url_) {
    return fmt::format(
        "Origin: {} is not the origin of this server's page, which is at {} (see --public-url)",
        shown(origin), public_url_->text());
  }
  return fmt::format(
      "Origin: requests are taken from this server's own page only. If a proxy has that page at "
      "{0}, start paystats-serve with --public-url {0}/",
      shown(origin));
}

base::Result<void> check_host_name(std::string_view text) {
  if (parse_authority(text)) return {};
  return base::fail(fmt::format("{}: neither NAME nor NAME:PORT{}", base::printable(text),
                                split_scheme(text) ? " (an address: see --public-url)" : ""));
}

}  // namespace paystats::api
