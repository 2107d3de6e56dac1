// What the files of the HTTP server need of Asio beyond loop/asio.h.
//
// In these files an operand of co_await takes named objects only: g++ 12 destroys temporaries in
// there twice where a conditional expression makes them, and ends the process where a co_await is
// the condition of a switch.
#pragma once

#include "loop/asio.h"

// After it:
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace paystats::loop {

// A connection, whether it came in by TCP or by a Unix socket.
using StreamSocket = asio::generic::stream_protocol::socket;

}  // namespace paystats::loop
