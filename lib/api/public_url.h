// The address of the page for people, where a reverse proxy stands between them and the server: the
// option --public-url.
//
//   const base::Result<PublicUrl> url = parse_public_url(text);  // https://pay.example.org/p
//   if (url) use(url->text());                                   // https://pay.example.org/p/
//
// Scheme http or https, a host, maybe a port and a path, and nothing else: a user, a query or a
// fragment would be left out of what browsers send, and "." or ".." of a path be resolved before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/origin.h"
#include "base/result.h"

namespace paystats::api {

struct PublicUrl {
  bool secure = false;                // https
  std::string name;                   // as browsers write it: in lower case, "[::1]"
  uint16_t port = 0;                  // that of the scheme where none was given
  std::vector<std::string> segments;  // of the path; none: the page is at the root

  bool has_origin(const Origin& origin) const;

  // "https://pay.example.org", as a browser sends it: without the port of the scheme.
  std::string origin() const;
  // The whole, with a slash at its end.
  std::string text() const;
};

base::Result<PublicUrl> parse_public_url(std::string_view text);

}  // namespace paystats::api
