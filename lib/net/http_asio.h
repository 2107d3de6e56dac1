// What the files of the HTTP server need of Asio beyond net/asio.h, which must come first.
#pragma once

#include "net/asio.h"

// After it:
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
