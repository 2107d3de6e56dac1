// What is asked of every request before anybody looks at what it wants. A server on loopback is in
// reach of every web site that its user visits, and of proxies that read HTTP in their own way:
//
//   - a body has one Content-Length of plain digits, or in HTTP/1.1 exactly one Transfer-Encoding,
//     which is chunked: two readers of one connection must not differ about where a request ends;
//   - Host stands there once and is a name of this server (server_names.h). So a site whose DNS
//     name suddenly points at us (DNS rebinding) gets nothing;
//   - Origin, where a browser sends it, is that of the server's own page, and Sec-Fetch-Site is not
//     cross-site, unless it is somebody following a link to the page. The caller asks for this
//     apart, since it is not asked of the files of the page: browsers send an Origin with a GET of
//     a script that is a module, and these files hold nothing that is not in everybody's hands.
#pragma once

#include <optional>
#include <string_view>

#include "api/http.h"
#include "api/server_names.h"

namespace paystats::api {

class Gatekeeper {
 public:
  explicit Gatekeeper(ServerNames names);

  // The refusal, or nothing. `origin_form` becomes the target without a scheme and authority.
  std::optional<HttpResponse> refuse(const HttpRequest& request,
                                     std::string_view& origin_form) const;

  // The same for the page that has sent the request. REQUIRES: refuse() did not.
  std::optional<HttpResponse> refuse_origin(const HttpRequest& request) const;

 private:
  const ServerNames names_;
};

// Of a request that has passed: the length of its body.
uint64_t content_length(const HttpRequest& request);
bool is_chunked(const HttpRequest& request);
// Of any request.
bool has_body(const HttpRequest& request);

}  // namespace paystats::api
