// HTTP messages as plain data, so that all rules about them can be tested without a socket. The
// room http reads requests into these and writes responses out of them.
//
//   HttpRequest request{.method = "GET", .target = "/healthz", ...};
//   HttpResponse response = text_response(200, "text/plain", "ok\n");
//   append_head(out, response, {.keep_alive = true, .date = "Sun, 06 Nov 1994 08:49:37 GMT"});
//
// A request points into the bytes that it was read from. A response's body is shared: the same
// bytes go to all that ask for the same. Source: RFC 9110, RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem_type.h"

namespace paystats::api {

struct HttpField {
  std::string_view name;
  std::string_view value;  // without white space around it
};

struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::vector<HttpField> fields;  // in the order of the message

  bool is_http_1_0 = false;

  // By which address the connection came in, as a URL writes it: "127.0.0.1", "[::1]".
  std::string_view local_host;

  // How many fields there are of this name (in any case), and the value of the first.
  size_t count(std::string_view name) const;
  std::optional<std::string_view> find(std::string_view name) const;
};

using SharedBytes = std::shared_ptr<const std::string>;

struct HttpResponse {
  int status = 200;
  std::string fields;      // whole lines "Name: value\r\n"; those of the connection are added later
  SharedBytes body;        // null: none
  bool resident = false;   // the body lives as long as the server: to hold it takes no memory
  bool omit_body = false;  // the answer to a HEAD: length and fields as for a GET
  bool close = false;      // nothing more is read from this connection
  std::optional<ProblemType> problem = std::nullopt;  // that the body tells of
};

struct ConnectionFields {
  bool keep_alive = true;
  bool say_keep_alive = false;  // to a client of HTTP/1.0, which does not take it for granted
  std::string_view date;        // an IMF-fixdate; empty: none
  bool stream = false;          // the body has no length: it ends with the connection
};

// The status line and all fields, with the empty line at the end.
void append_head(std::string& out, const HttpResponse& response,
                 const ConnectionFields& connection);

std::string_view reason_phrase(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(int64_t unix_seconds);

// ASCII letters in any case are the same.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// The fields of every response: nothing on a page may come from elsewhere, no page may frame ours,
// and a cache that keeps a copy asks before using it.
void append_common_fields(std::string& fields, std::string_view content_type);

HttpResponse text_response(int status, std::string_view content_type, std::string body);

// Whether an If-None-Match names `etag` (with its quotes). Weak tags match, "*" matches all.
bool etag_matches(std::string_view if_none_match, std::string_view etag);

// Lines that a parser may take but that different programs read differently: folded fields, a CR
// or LF that is not part of a line's end, a NUL. `head` is the request up to and with its empty
// line. Null where all is well, else what is wrong.
const char* flaw_of_raw_head(std::string_view head);

}  // namespace paystats::api
