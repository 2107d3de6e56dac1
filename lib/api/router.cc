#include "api/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "api/idempotency_key.h"
#include "api/openapi.h"
#include "api/problem.h"
#include "base/numbers.h"
#include "base/terminal_text.h"
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
constexpr size_t kSegmentsMax = 8;  // of a target in which the path of a proxy is looked for
constexpr size_t kShownBytesMax = 100;
// The answer has it as a number, which JavaScript and others read as a double.
constexpr uint64_t kOffsetMax = (uint64_t{1} << 53U) - 1;
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
  if (!base::read_number(text, value) || value < min || value > max) {
    return base::fail(fmt::format("{}: not a whole number from {} to {}", name, min, max));
  }
  return value;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return equal_ignoring_case(type, "application/json");
}

HttpResponse without_body(int status, std::string_view field, std::string_view value) {
  HttpResponse response;
  response.status = status;
  append_common_fields(response.fields, {});
  response.fields += fmt::format("{}: {}\r\n", field, value);
  return response;
}

HttpResponse options_response(std::string_view allow) {
  return without_body(204, "Allow", allow);
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

// Whether a target under the path of the URL could be one of the API as it is.
bool is_path_of_api(const PublicUrl& url) {
  Target target{url.segments, {}};
  if (resource_of(target) != kFile) return true;
  target.segments.emplace_back("name");
  return resource_of(target) != kFile;
}

}  // namespace

base::Result<RouterOptions> router_options(std::vector<std::string> allowed_hosts,
                                           const std::optional<std::string>& public_url) {
  for (const std::string& name : allowed_hosts) {
    if (base::Result<void> good = check_host_name(name); !good) {
      return base::fail("--allow-host: " + good.error().message);
    }
  }
  RouterOptions options;
  options.allowed_hosts = std::move(allowed_hosts);
  if (!public_url) return options;
  base::Result<PublicUrl> url = parse_public_url(*public_url);
  if (!url) return base::fail("--public-url: " + url.error().message);
  if (is_path_of_api(*url)) {
    return base::fail(fmt::format("--public-url: {}: that path is one of the server's own API",
                                  base::printable(*public_url)));
  }
  options.public_url = std::move(*url);
  return options;
}

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
                                              : parse_count(name, value, 0, kOffsetMax);
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
      gatekeeper_(ServerNames(options_.allowed_hosts, options_.public_url)),
      files_(std::move(files)),
      documents_(documents()) {}

Action Router::route(const HttpRequest& request) const {
  std::string_view origin_form;
  if (auto refusal = gatekeeper_.refuse(request, origin_form)) return std::move(*refusal);
  Action action = act(request, origin_form);
  if (has_body(request) && !std::holds_alternative<TakePayments>(action)) {
    auto* const response = std::get_if<HttpResponse>(&action);
    if (response == nullptr || response->status < 400) {
      return closing_problem(ProblemType::kBadRequest, "a request of this kind has no body");
    }
    response->close = true;  // the body stays unread
  }
  return action;
}

Action Router::act(const HttpRequest& request, std::string_view origin_form) const {
  base::Result<Target> target = parse_target(origin_form);
  bool found = target && is_found(*target);
  bool moved = false;
  if (target && !found && is_under_public_path(*target)) {
    const size_t depth = options_.public_url->segments.size();
    moved = target->segments.size() == depth;
    target->segments.erase(target->segments.begin(),
                           target->segments.begin() + static_cast<ptrdiff_t>(depth));
    found = is_found(*target);
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool of_page = found && reads && resource_of(*target) == kFile;
  if (!of_page) {
    if (auto refusal = gatekeeper_.refuse_origin(request)) return std::move(*refusal);
  }
  if (request.method == "OPTIONS" && request.target == "*") {
    return options_response("GET, HEAD, POST, OPTIONS");
  }
  if (!target) return problem_response(ProblemType::kBadRequest, target.error().message);
  if (moved) {
    // The page's own addresses are relative: without the slash they would lead past the path.
    const size_t question = std::min(origin_form.find('?'), origin_form.size());
    return without_body(308, "Location",
                        options_.public_url->text() + std::string(origin_form.substr(question)));
  }
  return found ? dispatch(request, *target) : not_found(*target);
}

bool Router::is_found(const Target& target) const {
  return resource_of(target) != kFile || files_.find(file_name(target)) != nullptr;
}

bool Router::is_under_public_path(const Target& target) const {
  if (!options_.public_url || options_.public_url->segments.empty()) return false;
  const auto& path = options_.public_url->segments;
  return path.size() <= target.segments.size() &&
         std::equal(path.begin(), path.end(), target.segments.begin());
}

Action Router::dispatch(const HttpRequest& request, const Target& target) const {
  const Resource resource = resource_of(target);
  const std::string_view allow = resource == kPayments ? kWrite : kRead;
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

HttpResponse Router::not_found(const Target& target) const {
  const std::string path = path_left_on(target);
  std::string detail;
  if (!path.empty()) {
    detail = fmt::format(
        "if a proxy has the page at {0} and leaves that on, start paystats-serve with --public-url "
        "and the address of the page there, which ends in {0}",
        path);
  } else if (files_.empty()) {
    detail =
        "there is no page here: this server was started without one (see --www); the API is at "
        "/api/openapi.json";
  }
  return problem_response(ProblemType::kNotFound, std::move(detail));
}

std::string Router::path_left_on(const Target& target) const {
  std::string path = "/";
  for (size_t depth = 1; depth < std::min(target.segments.size(), kSegmentsMax); ++depth) {
    const std::string& segment = target.segments[depth - 1];
    if (segment.find('/') != segment.npos) break;
    path += segment + "/";
    const auto rest = target.segments.begin() + static_cast<ptrdiff_t>(depth);
    if (!is_found({{rest, target.segments.end()}, {}})) continue;
    return path.size() <= kShownBytesMax && parse_public_url("http://a" + path) ? path : "";
  }
  return {};
}

}  // namespace paystats::api
