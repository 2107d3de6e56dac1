// The one door to Boost: every file of this room that uses Asio includes this, so that all of them
// see the same configuration of a header-only library. Private to lib/net, and kept out of its
// public headers, which only declare what they must.
//
// Coroutines use `use_result`: an operation yields (error_code, value) and throws nothing, so a
// client that goes away is an ordinary value of an ordinary branch.
#pragma once

#include "net/asio_headers.h"

// g++ 12 sees Asio's operators for coroutine frames as no pair where it inlines one of them.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace paystats {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

inline constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

}  // namespace paystats
