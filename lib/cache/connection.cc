#include "cache/connection.h"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <utility>

#include "view/answering.h"

namespace paystats::cache {
namespace {

constexpr size_t kReadBytes = 4096;
constexpr size_t kBuffersMax = 16;  // answers that go out in one system call
// A quarter of what view/ suggests: between two slices every other client gets its turn.
constexpr size_t kSearchSliceRows = view::kSliceRows / 4;

}  // namespace

CacheConnection::CacheConnection(Socket socket, std::shared_ptr<view::View> view,
                                 const base::Clock& clock, const CacheServerOptions& options)
    : socket_(std::move(socket)),
      view_(std::move(view)),
      clock_(clock),
      options_(options),
      to_write_(socket_.get_executor()),
      has_room_(socket_.get_executor()) {}

void CacheConnection::start(std::function<void()> on_wait, std::function<void()> on_closed) {
  on_wait_ = std::move(on_wait);
  on_closed_ = std::move(on_closed);
  loop::ErrorCode ignored;
  socket_.non_blocking(true, ignored);
  parts_running_ = 2;
  spawn(&CacheConnection::read_requests);
  spawn(&CacheConnection::write_answers);
}

void CacheConnection::spawn(loop::asio::awaitable<void> (CacheConnection::*part)()) {
  loop::asio::co_spawn(
      socket_.get_executor(), [self = shared_from_this(), part] { return (self.get()->*part)(); },
      [self = shared_from_this()](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
        self->part_ended();
      });
}

void CacheConnection::part_ended() {
  --parts_running_;
  if (parts_running_ == 0) {
    close();
    on_closed_();
  }
}

void CacheConnection::close() {
  loop::ErrorCode ignored;
  socket_.close(ignored);  // ends what waits for the socket
  to_write_.wake();
  has_room_.wake();
}

void CacheConnection::finish() {
  finishing_ = true;
  // What has arrived can still be read, and then the end: the reading part needs no further word.
  loop::ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_receive, ignored);
  to_write_.wake();
}

bool CacheConnection::overdue(base::Instant now) const {
  return (write_begun_ && now - *write_begun_ > options_.write_timeout) ||
         (line_begun_ && now - *line_begun_ > options_.request_timeout);
}

void CacheConnection::view_changed() {
  if (!watch_ || view_->version() == watch_version_) return;
  watch_due_ = true;
  to_write_.wake();
}

// ---- Reading

loop::asio::awaitable<void> CacheConnection::read_requests() {
  std::array<char, kReadBytes> buffer;
  while (socket_.is_open()) {
    co_await answer_lines();
    if (input_.size() > options_.request_bytes_max) {
      refuse(fmt::format("request: longer than {} bytes", options_.request_bytes_max));
      break;
    }
    if (input_.empty()) {
      line_begun_.reset();
    } else if (!line_begun_) {
      line_begun_ = clock_.now();
      on_wait_();
    }
    const auto [error, bytes] =
        co_await socket_.async_read_some(loop::asio::buffer(buffer), loop::use_result);
    if (error) {
      // A last line without its newline is a request too.
      if (error == loop::asio::error::eof && !input_.empty()) input_ += '\n';
      co_await answer_lines();
      break;
    }
    input_.append(buffer.data(), bytes);
  }
  line_begun_.reset();
  reading_done_ = true;
  to_write_.wake();
  // A watcher may have closed only its own side; when it closes the other one, that would not be
  // noticed before the next change.
  if (watch_ && !finishing_) co_await watch_peer_close();
}

loop::asio::awaitable<void> CacheConnection::watch_peer_close() {
  const auto [error] = co_await socket_.async_wait(Socket::wait_error, loop::use_result);
  if (!error) close();
}

loop::asio::awaitable<void> CacheConnection::answer_lines() {
  size_t begin = 0;
  for (;;) {
    const size_t newline = input_.find('\n', begin);
    if (newline == std::string::npos || !socket_.is_open()) break;
    line_begun_.reset();
    const std::string_view line = std::string_view(input_).substr(begin, newline - begin);
    begin = newline + 1;
    if (line.empty() || line == "\r") continue;
    co_await answer_line(line);
    // Everybody else's turn, however many requests have arrived here.
    co_await loop::asio::post(socket_.get_executor(), loop::asio::use_awaitable);
    while (unsent_bytes_ >= options_.unsent_bytes_max && socket_.is_open()) {
      co_await has_room_.wait();
    }
  }
  input_.erase(0, begin);
}

loop::asio::awaitable<void> CacheConnection::answer_line(std::string_view line) {
  base::Result<protocol::Query> query = protocol::parse_query(line);
  if (!query) {
    send(std::make_shared<const std::string>(protocol::error_answer(query.error().message)));
    co_return;
  }
  const auto* page = std::get_if<protocol::PageQuery>(&*query);
  std::optional<protocol::PageQuery> watch;
  if (page != nullptr && page->watch) watch = *page;
  if (watch) end_watch();
  const uint64_t begun_at_version = view_->version();
  protocol::Answer answer = co_await make_answer(std::move(*query));
  send(std::move(answer));
  if (watch) {
    watch_ = std::move(watch);
    watch_version_ = begun_at_version;
    // Nobody told us of what changed meanwhile, when we did not watch yet.
    watch_due_ = view_->version() != begun_at_version;
    if (watch_due_) to_write_.wake();
  }
}

loop::asio::awaitable<protocol::Answer> CacheConnection::make_answer(protocol::Query query) {
  view::Answering answering(*view_, std::move(query));
  while (!answering.step(kSearchSliceRows)) {
    co_await loop::asio::post(socket_.get_executor(), loop::asio::use_awaitable);
  }
  co_return answering.answer();
}

void CacheConnection::refuse(std::string_view why) {
  send(std::make_shared<const std::string>(protocol::error_answer(why)));
  end_watch();
}

void CacheConnection::end_watch() {
  watch_.reset();
  ++watch_number_;
}

void CacheConnection::send(protocol::Answer answer) {
  unsent_bytes_ += answer->size();
  unsent_.push_back(std::move(answer));
  // Most clients have room for it now. The writing part, which is for the others, would get its
  // turn behind all else that is ready, and while stats pour in that is a batch of them.
  const bool nothing_before = unsent_.size() == 1 && !write_begun_;
  if (nothing_before) {
    loop::ErrorCode ignored;  // the writing part meets it as well
    sent(socket_.write_some(loop::asio::buffer(*unsent_.front()), ignored));
  }
  if (!unsent_.empty()) to_write_.wake();
}

void CacheConnection::sent(size_t bytes) {
  unsent_bytes_ -= bytes;
  front_sent_ += bytes;
  while (!unsent_.empty() && front_sent_ >= unsent_.front()->size()) {
    front_sent_ -= unsent_.front()->size();
    unsent_.pop_front();
  }
  if (unsent_bytes_ < options_.unsent_bytes_max) has_room_.wake();
}

// ---- Writing

bool CacheConnection::may_end() const {
  return reading_done_ && (!watch_ || finishing_);
}

loop::asio::awaitable<void> CacheConnection::write_answers() {
  while (socket_.is_open()) {
    if (!unsent_.empty()) {
      const bool sent = co_await send_some();
      if (!sent) break;
    } else if (watch_ && watch_due_) {
      watch_due_ = false;
      watch_version_ = view_->version();  // what changes from here on may be missed by the search
      const uint64_t number = watch_number_;
      protocol::Answer answer = co_await make_answer(*watch_);
      if (number == watch_number_) send(std::move(answer));
    } else if (may_end()) {
      break;
    } else {
      co_await to_write_.wait();
    }
  }
  close();
}

loop::asio::awaitable<bool> CacheConnection::send_some() {
  std::array<loop::asio::const_buffer, kBuffersMax> buffers;
  size_t used = 0;
  for (const protocol::Answer& answer : unsent_) {
    if (used == kBuffersMax) break;
    buffers[used] = loop::asio::buffer(*answer);
    ++used;
  }
  buffers[0] += front_sent_;
  write_begun_ = clock_.now();
  on_wait_();
  const auto [error, bytes] = co_await socket_.async_write_some(buffers, loop::use_result);
  write_begun_.reset();
  if (error) co_return false;
  sent(bytes);
  co_return true;
}

}  // namespace paystats::cache
