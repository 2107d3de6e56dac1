#include "api/gatekeeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "api/problem.h"
#include "base/terminal_text.h"

namespace paystats::api {
namespace {

constexpr std::string_view kLoopbackNames[] = {"localhost", "127.0.0.1", "[::1]"};
constexpr uint16_t kHttpPort = 80;
constexpr size_t kShownBytesMax = 100;

// Digits only, as many as fit: a sign, a list or white space would be read differently elsewhere.
std::optional<uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  uint64_t length = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return length;
}

// "localhost:8080" -> "localhost"; of an address in brackets only what follows them is a port.
std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  const bool has_port = colon != host.npos && (bracket == host.npos || bracket < colon);
  return has_port ? host.substr(0, colon) : host;
}

std::string shown(std::string_view text) {
  return base::printable(text.substr(0, kShownBytesMax));
}

// What an Origin or an absolute target has behind "http://" or "https://" (a proxy may speak TLS).
std::optional<std::string_view> after_scheme(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.size() >= scheme.size() && equal_ignoring_case(url.substr(0, scheme.size()), scheme)) {
      return url.substr(scheme.size());
    }
  }
  return std::nullopt;
}

std::optional<HttpResponse> refuse_framing(const HttpRequest& request) {
  const size_t codings = request.count("Transfer-Encoding");
  if (codings > 0) {
    if (codings > 1 || !equal_ignoring_case(*request.find("Transfer-Encoding"), "chunked")) {
      return closing_problem(ProblemType::kLengthRequired,
                             "Transfer-Encoding: only chunked is taken, once");
    }
    if (request.count("Content-Length") > 0 || request.is_http_1_0) {
      return closing_problem(ProblemType::kBadRequest,
                             "Transfer-Encoding: not beside a Content-Length, and not in HTTP/1.0");
    }
  }
  const size_t lengths = request.count("Content-Length");
  if (lengths > 1 || (lengths == 1 && !parse_length(*request.find("Content-Length")))) {
    return closing_problem(ProblemType::kBadRequest, "Content-Length: not one plain number");
  }
  const auto expect = request.find("Expect");
  if (expect && !equal_ignoring_case(*expect, "100-continue")) {
    return closing_problem(ProblemType::kExpectation, "Expect: only 100-continue is known");
  }
  return std::nullopt;
}

std::optional<HttpResponse> refuse_origin(const HttpRequest& request, std::string_view host) {
  if (request.count("Origin") > 0) {
    const auto origin = after_scheme(*request.find("Origin"));
    if (request.count("Origin") > 1 || !origin || !equal_ignoring_case(*origin, host)) {
      return closing_problem(ProblemType::kForeignOrigin,
                             "Origin: requests are taken from this server's own pages only");
    }
  }
  const auto site = request.find("Sec-Fetch-Site");
  if (!site || !equal_ignoring_case(*site, "cross-site")) return std::nullopt;
  const auto mode = request.find("Sec-Fetch-Mode");
  const bool follows_link = request.method == "GET" && mode && *mode == "navigate";
  if (follows_link) return std::nullopt;
  return closing_problem(ProblemType::kForeignOrigin,
                         "Sec-Fetch-Site: requests are taken from this server's own pages only");
}

}  // namespace

Gatekeeper::Gatekeeper(std::vector<std::string> allowed_hosts)
    : allowed_hosts_(std::move(allowed_hosts)) {}

bool Gatekeeper::is_our_host(std::string_view host, const HttpRequest& request) const {
  const auto is = [&](std::string_view name) {
    return equal_ignoring_case(host, fmt::format("{}:{}", name, request.local_port)) ||
           (request.local_port == kHttpPort && equal_ignoring_case(host, name));
  };
  if (std::any_of(std::begin(kLoopbackNames), std::end(kLoopbackNames), is)) return true;
  if (!request.local_host.empty() && is(request.local_host)) return true;
  return std::any_of(allowed_hosts_.begin(), allowed_hosts_.end(), [&](const std::string& name) {
    return equal_ignoring_case(name, host) || equal_ignoring_case(name, without_port(host));
  });
}

std::optional<HttpResponse> Gatekeeper::refuse(const HttpRequest& request,
                                               std::string_view& origin_form) const {
  if (auto refusal = refuse_framing(request)) return refusal;
  if (request.count("Host") != 1) {
    return closing_problem(ProblemType::kBadRequest, "Host: must be there exactly once");
  }
  const std::string_view host = *request.find("Host");
  if (!is_our_host(host, request)) {
    return closing_problem(
        ProblemType::kMisdirected,
        fmt::format("Host: {} is no name of this server (see --allow-host)", shown(host)));
  }
  origin_form = request.target;
  if (const auto rest = after_scheme(request.target)) {
    const size_t slash = std::min(rest->find_first_of("/?"), rest->size());
    if (!equal_ignoring_case(rest->substr(0, slash), host)) {
      return closing_problem(ProblemType::kBadRequest, "target: not of the host in Host");
    }
    origin_form = slash == rest->size() ? std::string_view("/") : rest->substr(slash);
  }
  return refuse_origin(request, host);
}

bool is_chunked(const HttpRequest& request) {
  return request.count("Transfer-Encoding") > 0;
}

uint64_t content_length(const HttpRequest& request) {
  const auto text = request.find("Content-Length");
  return text ? parse_length(*text).value_or(0) : 0;
}

}  // namespace paystats::api
