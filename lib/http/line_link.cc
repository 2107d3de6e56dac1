#include "http/line_link.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "loop/asio_tcp.h"

namespace paystats::http {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kMovedBytesMin = 256 << 10;

}  // namespace

std::shared_ptr<LineLink> LineLink::open(loop::asio::io_context& context, const std::string& path,
                                         Handlers handlers) {
  auto link = std::make_shared<LineLink>(context, path, std::move(handlers));
  loop::asio::co_spawn(
      context, [link] { return link->run(); },
      [link](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  return link;
}

LineLink::LineLink(loop::asio::io_context& context, std::string path, Handlers handlers)
    : socket_(context), path_(std::move(path)), handlers_(std::move(handlers)) {}

loop::asio::awaitable<void> LineLink::run() {
  const loop::asio::local::stream_protocol::endpoint endpoint(path_);
  const auto [error] = co_await socket_.async_connect(endpoint, loop::use_result);
  if (closed_) co_return;
  if (error) {
    fail_with(error.message());
    co_return;
  }
  handlers_.on_open();
  co_await read_lines();
}

loop::asio::awaitable<void> LineLink::read_lines() {
  size_t scanned = 0;  // no newline before here
  while (!closed_) {
    const size_t used = input_.size();
    // At once as much as there can be: what is not touched is no memory, and to grow by doubling
    // would take half as much again meanwhile.
    if (used >= kMovedBytesMin) input_.reserve(kLineBytesMax + kReadBytes);
    input_.resize(used + kReadBytes);
    const auto [error, n] = co_await socket_.async_read_some(
        loop::asio::buffer(input_.data() + used, kReadBytes), loop::use_result);
    input_.resize(used + n);
    if (closed_) co_return;
    if (error) {
      fail_with("the connection ended");
      co_return;
    }
    size_t begin = 0;
    for (;;) {
      const size_t newline = input_.find('\n', std::max(begin, scanned));
      if (newline == std::string::npos) break;
      if (newline - begin < kMovedBytesMin) {
        const size_t from = std::exchange(begin, newline + 1);
        handlers_.on_line(input_.substr(from, begin - from));
      } else {
        // Handed on with its memory, since a copy would take as much again.
        std::string rest = input_.substr(newline + 1);
        input_.resize(newline + 1);
        input_.erase(0, std::exchange(begin, 0));
        scanned = 0;
        handlers_.on_line(std::exchange(input_, std::move(rest)));
      }
      if (closed_) co_return;
    }
    input_.erase(0, begin);
    scanned = input_.size();
    note_length(scanned);
    if (input_.size() > kLineBytesMax) {
      fail_with("an answer longer than any");
      co_return;
    }
  }
}

void LineLink::note_length(size_t bytes) {
  const bool now = bytes > kLongBytes;
  if (const bool before = std::exchange(long_, now); now || before) {
    handlers_.on_long(now ? bytes : 0);
  }
}

void LineLink::send(std::string_view line) {
  output_ += line;
  if (writing_.empty()) write_more();
}

void LineLink::write_more() {
  if (closed_ || output_.empty()) return;
  writing_.swap(output_);
  loop::asio::async_write(socket_, loop::asio::buffer(writing_),
                          [self = shared_from_this()](loop::ErrorCode error, size_t) {
                            self->writing_.clear();
                            // The reading part hears of an error as well, and tells it.
                            if (!error) self->write_more();
                          });
}

void LineLink::close() {
  closed_ = true;
  loop::ErrorCode ignored;
  socket_.close(ignored);
  // What the handlers hold may hold us.
  loop::asio::post(socket_.get_executor(), [self = shared_from_this()] { self->handlers_ = {}; });
}

void LineLink::fail_with(const std::string& what) {
  if (closed_) return;
  note_length(0);
  const auto on_close = std::move(handlers_.on_close);
  close();
  if (on_close) on_close(base::Error{path_ + ": " + what});
}

}  // namespace paystats::http
