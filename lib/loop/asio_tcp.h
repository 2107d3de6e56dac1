// What the files of the HTTP server need of Asio beyond loop/asio.h, which must come first.
//
// In these files an operand of co_await takes named objects only: g++ 12 destroys temporaries in
// there twice where a conditional expression makes them, and ends the process where a co_await is
// the condition of a switch.
#pragma once

#include "loop/asio.h"

// After it:
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
