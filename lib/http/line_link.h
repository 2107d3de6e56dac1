// A connection to the cache's socket as a client on the event loop has it: lines out, lines in, no
// call blocks. Private to this room; see answer_feed.h.
//
//   auto link = LineLink::open(loop.context(), "stats.sock", {.on_open = ..., ...});
//   link->send("{\"watch\":1}\n");
//   link->close();                    // no handler is called any more
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "loop/asio.h"

namespace paystats::http {

class LineLink : public std::enable_shared_from_this<LineLink> {
 public:
  // A page of the longest names, each of their bytes written as an escape, is shorter.
  static constexpr size_t kLineBytesMax = 16 << 20;
  static constexpr size_t kLongBytes = 512 << 10;

  struct Handlers {
    std::function<void()> on_open;
    std::function<void(std::string line)> on_line;     // with its newline
    std::function<void(const base::Error&)> on_close;  // not connected, or not any more; once
    // So many bytes of a line that is longer than kLongBytes have come; 0: it is over.
    std::function<void(size_t)> on_long = [](size_t) {};
  };

  static std::shared_ptr<LineLink> open(loop::asio::io_context& context, const std::string& path,
                                        Handlers handlers);
  LineLink(loop::asio::io_context& context, std::string path, Handlers handlers);

  // REQUIRES: on_open has been called.
  void send(std::string_view line);

  void close();

 private:
  loop::asio::awaitable<void> run();
  loop::asio::awaitable<void> read_lines();
  void write_more();
  void note_length(size_t bytes);
  void fail_with(const std::string& what);

  loop::asio::local::stream_protocol::socket socket_;
  const std::string path_;
  Handlers handlers_;
  std::string input_;
  std::string output_;  // to be written after what is being written
  std::string writing_;
  bool long_ = false;  // the line that comes
  bool closed_ = false;
};

}  // namespace paystats::http
