// Every file of loop, cache and http includes Asio by this header, so that all of them see the same
// configuration of a header-only library. Kept out of the public headers of these rooms, which only
// declare what they must.
//
// Coroutines use `use_result`: an operation yields (error_code, value) and throws nothing, so a
// client that goes away is an ordinary value of an ordinary branch.
#pragma once

#include "loop/asio_headers.h"

// g++ 12 sees Asio's operators for coroutine frames as no pair where it inlines one of them.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace paystats::loop {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

inline constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

}  // namespace paystats::loop
