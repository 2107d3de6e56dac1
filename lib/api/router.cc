#include "api/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "api/idempotency_key.h"
#include "api/openapi.h"
#include "api/problem.h"
#include "keys/keyed_lines.h"
#include "record/payment.h"

namespace paystats::api {
namespace {

enum Resource : int {
  kPayments,
  kKey,
  kKeys,
  kStats,
  kUser,
  kStream,
  kHealth,
  kReady,
  kMetrics,
  kOpenApi,
  kFile
};

constexpr std::string_view kRead = "GET, HEAD, OPTIONS";
constexpr std::string_view kWrite = "POST, OPTIONS";
constexpr std::string_view kOpenApiName = "openapi.json";
constexpr const char* kKeyRule = "key: not 1 to 255 printable ASCII characters";

Resource resource_of(const Target& target) {
  const auto is = [&](std::initializer_list<std::string_view> segments) {
    return std::equal(segments.begin(), segments.end(), target.segments.begin(),
                      target.segments.end());
  };
  if (is({"api", "payments"})) return kPayments;
  if (is({"api", "idempotency"})) return kKeys;
  if (is({"api", "stats"})) return kStats;
  if (is({"api", "stream"})) return kStream;
  if (is({"api", "openapi.json"})) return kOpenApi;
  if (is({"healthz"})) return kHealth;
  if (is({"readyz"})) return kReady;
  if (is({"metrics"})) return kMetrics;
  const auto& segments = target.segments;
  const bool below = segments.size() == 3 && segments[0] == "api" && !segments[2].empty();
  if (below && segments[1] == "payments") return kKey;
  return below && segments[1] == "stats" ? kUser : kFile;
}

// "css/page.css". A segment that holds a slash (it was written %2F) names no file.
std::string file_name(const Target& target) {
  std::string name;
  for (const std::string& segment : target.segments) {
    if (segment.find('/') != std::string::npos) return "/";
    if (!name.empty()) name += '/';
    name += segment;
  }
  return name.empty() && target.segments.size() == 1 ? "index.html" : name;
}

base::Result<uint64_t> parse_count(const std::string& name, std::string_view text, uint64_t min,
                                   uint64_t max) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end || value < min || value > max) {
    return base::fail(max == UINT64_MAX
                          ? fmt::format("{}: not a whole number", name)
                          : fmt::format("{}: not a whole number from {} to {}", name, min, max));
  }
  return value;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return equal_ignoring_case(type, "application/json");
}

HttpResponse options_response(std::string_view allow) {
  HttpResponse response;
  response.status = 204;
  append_common_fields(response.fields, {});
  response.fields += fmt::format("Allow: {}\r\n", allow);
  return response;
}

HttpResponse method_not_allowed(std::string_view allow) {
  HttpResponse response = problem_response(ProblemType::kMethodNotAllowed, {});
  response.fields += fmt::format("Allow: {}\r\n", allow);
  return response;
}

StaticFiles documents() {
  StaticFiles files;
  files.add(std::string(kOpenApiName), std::string(kOpenApiJson));
  return files;
}

HttpResponse respond_with(const StaticFiles::File& file, const HttpRequest& request) {
  const bool gzip = file.gzip && accepts_gzip(request.find("Accept-Encoding").value_or(""));
  const StaticFiles::File& form = gzip ? *file.gzip : file;
  HttpResponse response;
  response.fields = form.fields;
  const auto if_none_match = request.find("If-None-Match");
  if (if_none_match && etag_matches(*if_none_match, form.etag)) {
    response.status = 304;
  } else {
    response.body = form.body;
    response.resident = true;
  }
  return response;
}

}  // namespace

base::Result<protocol::PageQuery> page_query(const Target& target) {
  protocol::PageQuery query;
  std::array<bool, 3> seen = {};
  for (const auto& [name, value] : target.parameters) {
    const size_t field = name == "limit" ? 0 : name == "offset" ? 1 : name == "q" ? 2 : 3;
    if (field == 3) return base::fail("unknown parameter: only limit, offset and q are taken");
    if (std::exchange(seen[field], true)) return base::fail(name + ": given twice");
    if (field == 2) {
      if (value.size() > record::kUserBytesMax) return base::fail("q: longer than any name");
      query.prefix = value;
      continue;
    }
    const base::Result<uint64_t> number = field == 0
                                              ? parse_count(name, value, 1, protocol::kPageRowsMax)
                                              : parse_count(name, value, 0, UINT64_MAX);
    if (!number) return base::fail(number.error());
    if (field == 0) {
      query.limit = static_cast<uint32_t>(*number);
    } else {
      query.offset = *number;
    }
  }
  return query;
}

const std::vector<RouteDescription>& routes() {
  static const std::vector<RouteDescription> kRoutes = {
      {"/api/payments", "post"},
      {"/api/payments/{key}", "get"},
      {"/api/idempotency", "get"},
      {"/api/stats", "get"},
      {"/api/stats/{user}", "get"},
      {"/api/stream", "get"},
      {"/healthz", "get"},
      {"/readyz", "get"},
      {"/api/openapi.json", "get"},
      {"/metrics", "get"},
      {"/", "get"},
  };
  return kRoutes;
}

Router::Router(RouterOptions options, StaticFiles files)
    : options_(std::move(options)),
      gatekeeper_(options_.allowed_hosts),
      files_(std::move(files)),
      documents_(documents()) {}

Action Router::route(const HttpRequest& request) const {
  std::string_view origin_form;
  if (auto refusal = gatekeeper_.refuse(request, origin_form)) return std::move(*refusal);
  Action action = [&]() -> Action {
    if (request.method == "OPTIONS" && request.target == "*") {
      return options_response("GET, HEAD, POST, OPTIONS");
    }
    const base::Result<Target> target = parse_target(origin_form);
    if (!target) return problem_response(ProblemType::kBadRequest, target.error().message);
    return dispatch(request, *target);
  }();
  const bool has_body = content_length(request) > 0 || is_chunked(request);
  if (has_body && !std::holds_alternative<TakePayments>(action)) {
    auto* const response = std::get_if<HttpResponse>(&action);
    if (response == nullptr || response->status < 400) {
      return closing_problem(ProblemType::kBadRequest, "a request of this kind has no body");
    }
    response->close = true;  // the body stays unread
  }
  return action;
}

Action Router::dispatch(const HttpRequest& request, const Target& target) const {
  const Resource resource = resource_of(target);
  const std::string_view allow = resource == kPayments ? kWrite : kRead;
  if (resource == kFile && files_.find(file_name(target)) == nullptr) return not_found();
  if (request.method == "OPTIONS") return options_response(allow);
  if (resource == kPayments) {
    return request.method == "POST" ? post_payments(request) : method_not_allowed(allow);
  }
  if (request.method != "GET" && request.method != "HEAD") return method_not_allowed(allow);
  return get(request, target, resource);
}

Action Router::get(const HttpRequest& request, const Target& target, int resource) const {
  switch (resource) {
    case kStats:
    case kStream: {
      base::Result<protocol::PageQuery> query = page_query(target);
      if (!query) return problem_response(ProblemType::kBadRequest, query.error().message);
      if (resource == kStream) return OpenStream{std::move(*query)};
      return AskStats{std::move(*query), std::string(request.find("If-None-Match").value_or(""))};
    }
    case kUser: {
      const std::string& user = target.segments[2];
      if (user.size() > record::kUserBytesMax || !target.parameters.empty()) {
        return problem_response(ProblemType::kBadRequest, target.parameters.empty()
                                                              ? "user: longer than any name"
                                                              : "this resource has no parameters");
      }
      return AskStats{protocol::UserQuery{user},
                      std::string(request.find("If-None-Match").value_or(""))};
    }
    case kKey:
      if (!keys::is_key(target.segments[2]) || !target.parameters.empty()) {
        return problem_response(ProblemType::kBadRequest, target.parameters.empty()
                                                              ? kKeyRule
                                                              : "this resource has no parameters");
      }
      return AskKey{target.segments[2]};
    case kKeys:
      return Report{Report::Kind::kKeys};
    case kHealth:
      return text_response(200, "text/plain; charset=utf-8", "ok\n");
    case kReady:
      return Report{Report::Kind::kReadiness};
    case kMetrics:
      return Report{Report::Kind::kMetrics};
    case kOpenApi:
      return respond_with(*documents_.find(kOpenApiName), request);
    default:
      return respond_with(*files_.find(file_name(target)), request);
  }
}

Action Router::post_payments(const HttpRequest& request) const {
  if (request.count("Content-Type") != 1 || !is_json(*request.find("Content-Type"))) {
    return problem_response(ProblemType::kUnsupportedType, {});
  }
  if (request.count("Content-Encoding") > 0) {
    return problem_response(ProblemType::kUnsupportedType, "Content-Encoding is not taken");
  }
  const bool chunked = is_chunked(request);
  if (!chunked && request.count("Content-Length") == 0) {
    return problem_response(ProblemType::kLengthRequired, {});
  }
  const uint64_t body_bytes = chunked ? options_.body_bytes_max : content_length(request);
  if (body_bytes > options_.body_bytes_max) {
    return body_too_large(options_.body_bytes_max);
  }
  const base::Result<std::string> key = idempotency_key(request);
  if (!key) return problem_response(ProblemType::kBadRequest, key.error().message);
  return TakePayments{body_bytes, chunked, request.count("Expect") > 0, *key};
}

HttpResponse Router::not_found() const {
  return problem_response(ProblemType::kNotFound,
                          files_.empty() ? "there is no page here: this server was started without "
                                           "one (see --www); the API is at /api/openapi.json"
                                         : "");
}

}  // namespace paystats::api
