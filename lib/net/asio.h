// The one door to Boost: every file of this room that uses Asio includes this, so that all of them
// see the same configuration of a header-only library. Private to lib/net, and kept out of its
// public headers, which only declare what they must.
//
// Coroutines use `use_result`: an operation yields (error_code, value) and throws nothing, so a
// client that goes away is an ordinary value of an ordinary branch.
#pragma once

#ifndef BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_NO_DEPRECATED
#endif

// ThreadSanitizer does not know fences, and with one loop none is needed: what crosses threads
// goes through the mutex of the loop's queue.
#if defined(__SANITIZE_THREAD__)
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif
#endif

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

// g++ 12 sees Asio's operators for coroutine frames as no pair where it inlines one of them.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace paystats {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

inline constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

}  // namespace paystats
