// From a request to what must be done about it. Pure: no sockets, no threads, no clock.
//
//   Router router(options, std::move(files));
//   Action action = router.route(request);          // the head is enough: no body is read in vain
//   if (std::get_if<HttpResponse>(&action)) ...     // send it
//   if (std::get_if<TakePayments>(&action)) ...     // read the body, read_payments(), write them
//   if (std::get_if<AskKey>(&action)) ...           // find it, key_response()
//   if (std::get_if<AskStats>(&action)) ...         // ask the cache, stats_response()
//   if (std::get_if<OpenStream>(&action)) ...       // send stream_response(), then events
//   if (std::get_if<Report>(&action)) ...           // a response about the server, see report.h
//
// A HEAD is answered as a GET, its body left out by the caller. Where a response comes although the
// request has a body, the response closes the connection. Where the public URL has a path, a target
// under it is served as without it: a reverse proxy may take the path off or leave it on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/gatekeeper.h"
#include "api/http.h"
#include "api/posted_payments.h"
#include "api/public_url.h"
#include "api/static_files.h"
#include "api/target.h"
#include "base/result.h"
#include "protocol/query.h"

namespace paystats::api {

struct RouterOptions {
  std::vector<std::string> allowed_hosts;  // NAME or NAME:PORT
  std::optional<PublicUrl> public_url;
  uint64_t body_bytes_max = 1 << 20;
};

struct TakePayments {
  uint64_t body_bytes = 0;  // of a chunked one: at most
  bool is_chunked = false;
  bool expects_continue = false;  // the client waits for a "100 Continue" before it sends the body
  std::string idempotency_key;    // empty: it has none
};

// What became of the request of a key.
struct AskKey {
  std::string idempotency_key;
};

struct AskStats {
  protocol::Query query;
  std::string if_none_match;
};

struct OpenStream {
  protocol::PageQuery query;
};

struct Report {
  enum class Kind { kReadiness, kMetrics, kKeys };
  Kind kind = Kind::kReadiness;
};

using Action = std::variant<HttpResponse, TakePayments, AskKey, AskStats, OpenStream, Report>;

class Router {
 public:
  Router(RouterOptions options, StaticFiles files);

  Action route(const HttpRequest& request) const;

 private:
  Action act(const HttpRequest& request, std::string_view origin_form) const;
  bool is_found(const Target& target) const;
  bool is_under_public_path(const Target& target) const;
  Action dispatch(const HttpRequest& request, const Target& target) const;
  Action get(const HttpRequest& request, const Target& target, int resource) const;
  Action post_payments(const HttpRequest& request) const;
  HttpResponse not_found(const Target& target) const;
  // Without which the target would be found here, as behind a proxy that is not known; or nothing.
  std::string path_left_on(const Target& target) const;

  const RouterOptions options_;
  const Gatekeeper gatekeeper_;
  const StaticFiles files_;
  const StaticFiles documents_;  // ours: the OpenAPI document
};

// Of what --allow-host and --public-url were given; the error begins with the option.
base::Result<RouterOptions> router_options(std::vector<std::string> allowed_hosts,
                                           const std::optional<std::string>& public_url);

// limit, offset and q of a request for a page.
base::Result<protocol::PageQuery> page_query(const Target& target);

// GET and so on, for each path of the server but those of files: what openapi.json must list.
struct RouteDescription {
  std::string_view path;  // "/api/stats/{user}"
  std::string_view methods;
};
const std::vector<RouteDescription>& routes();

}  // namespace paystats::api
