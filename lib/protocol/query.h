// A request on the cache's socket: one JSON object a line.
//
//   {"limit":50,"offset":0,"q":"ed"}   a page of the ranking; q keeps users that begin with it
//   {"user":"edgar"}                   one user
//   {"watch":50}                       a page now and after each change ("offset", "q" allowed)
//
// Strict: an unknown field, a field twice, a wrong type or a number out of its range is an error
// whose text is meant for the client (see error_answer() in answer.h). An empty q is no q.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace paystats::protocol {

inline constexpr uint32_t kPageRowsDefault = 50;
inline constexpr uint32_t kPageRowsMax = 1000;

// A request line without its newline. A reader of the socket need not keep more than this: every
// request fits, even with a user of the longest kind and each of its bytes written as an escape.
inline constexpr size_t kRequestBytesMax = 16 << 10;

struct PageQuery {
  uint32_t limit = kPageRowsDefault;  // 1 to kPageRowsMax
  uint64_t offset = 0;
  std::string prefix = {};  // q: bytes, valid UTF-8; empty: all users
  bool watch = false;       // to be answered again after each change

  friend bool operator==(const PageQuery&, const PageQuery&) = default;
};

struct UserQuery {
  std::string user = {};

  friend bool operator==(const UserQuery&, const UserQuery&) = default;
};

using Query = std::variant<PageQuery, UserQuery>;

// `line` is one request, without its newline (a CR at its end is white space).
base::Result<Query> parse_query(std::string_view line);

// The request line of `query`, with its newline: what a client sends.
std::string request_line(const Query& query);

}  // namespace paystats::protocol
