#include "api/gatekeeper.h"

#include <algorithm>
#include <utility>

#include "api/origin.h"
#include "api/problem.h"
#include "base/numbers.h"

namespace paystats::api {
namespace {

// Digits only, as many as fit: a sign, a list or white space would be read differently elsewhere.
std::optional<uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  uint64_t length = 0;
  return base::read_number(text, length) ? std::optional(length) : std::nullopt;
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

}  // namespace

Gatekeeper::Gatekeeper(ServerNames names) : names_(std::move(names)) {}

std::optional<HttpResponse> Gatekeeper::refuse(const HttpRequest& request,
                                               std::string_view& origin_form) const {
  if (auto refusal = refuse_framing(request)) return refusal;
  if (request.count("Host") != 1) {
    return closing_problem(ProblemType::kBadRequest, "Host: must be there exactly once");
  }
  const std::string_view host = *request.find("Host");
  if (!names_.is_ours(host, request)) {
    return closing_problem(ProblemType::kMisdirected, names_.host_refusal(host));
  }
  origin_form = request.target;
  if (const auto url = split_scheme(request.target)) {
    const size_t slash = std::min(url->rest.find_first_of("/?"), url->rest.size());
    if (!equal_ignoring_case(url->rest.substr(0, slash), host)) {
      return closing_problem(ProblemType::kBadRequest, "target: not of the host in Host");
    }
    origin_form = slash == url->rest.size() ? std::string_view("/") : url->rest.substr(slash);
  }
  return std::nullopt;
}

std::optional<HttpResponse> Gatekeeper::refuse_origin(const HttpRequest& request) const {
  const size_t origins = request.count("Origin");
  if (origins > 1) {
    return closing_problem(ProblemType::kForeignOrigin, "Origin: more than one");
  }
  if (origins == 1) {
    const std::string_view origin = *request.find("Origin");
    if (!names_.is_own_origin(origin, *request.find("Host"))) {
      return closing_problem(ProblemType::kForeignOrigin, names_.origin_refusal(origin));
    }
  }
  const auto site = request.find("Sec-Fetch-Site");
  if (!site || !equal_ignoring_case(*site, "cross-site")) return std::nullopt;
  const auto mode = request.find("Sec-Fetch-Mode");
  const bool follows_link = request.method == "GET" && mode && *mode == "navigate";
  if (follows_link) return std::nullopt;
  return closing_problem(
      ProblemType::kForeignOrigin,
      "Sec-Fetch-Site: cross-site, but requests are taken from this server's own page only");
}

bool is_chunked(const HttpRequest& request) {
  return request.count("Transfer-Encoding") > 0;
}

bool has_body(const HttpRequest& request) {
  return content_length(request) > 0 || is_chunked(request);
}

uint64_t content_length(const HttpRequest& request) {
  const auto text = request.find("Content-Length");
  return text ? parse_length(*text).value_or(0) : 0;
}

}  // namespace paystats::api
