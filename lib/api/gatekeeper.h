// What is asked of every request before anybody looks at what it wants. A server on loopback is in
// reach of every web site that its user visits, and of proxies that read HTTP in their own way:
//
//   - a body has one Content-Length of plain digits, or in HTTP/1.1 exactly one Transfer-Encoding,
//     which is chunked: two readers of one connection must not differ about where a request ends;
//   - Host stands there once and is ours: a name of loopback or the address that the connection
//   came
//     in by, with the port, or a name allowed by option. So a site whose DNS name suddenly points
//     at us (DNS rebinding) gets nothing;
//   - Origin, where a browser sends it, is of the same host, and Sec-Fetch-Site is not cross-site,
//     unless it is somebody following a link to the page.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"

namespace paystats::api {

class Gatekeeper {
 public:
  // Each of `allowed_hosts` is NAME (with any port) or NAME:PORT.
  explicit Gatekeeper(std::vector<std::string> allowed_hosts);

  // The refusal, or nothing. `origin_form` becomes the target without a scheme and authority.
  std::optional<HttpResponse> refuse(const HttpRequest& request,
                                     std::string_view& origin_form) const;

 private:
  bool is_our_host(std::string_view host, const HttpRequest& request) const;

  const std::vector<std::string> allowed_hosts_;
};

// Of a request that has passed: the length of its body.
uint64_t content_length(const HttpRequest& request);
bool is_chunked(const HttpRequest& request);

}  // namespace paystats::api
