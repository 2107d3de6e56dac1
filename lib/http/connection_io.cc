#include "http/connection_io.h"

#include <algorithm>
#include <utility>

#include "http/chunk_decoder.h"
#include "http/head.h"

namespace paystats::http {
namespace {

constexpr size_t kReadBytes = 4096;      // a client that sends more in one go waits for the others
constexpr size_t kSpareBytesMax = 1024;  // of the input, while nothing has come
constexpr size_t kLingerBytesMax = 8 << 20;

}  // namespace

void refuse_at_once(loop::StreamSocket& socket, HttpService& service, api::ProblemType problem,
                    const std::string& detail) {
  const api::HttpResponse response = api::closing_problem(problem, detail);
  service.figures.count(response);
  std::string bytes;
  api::append_head(bytes, response, {.keep_alive = false, .date = service.date});
  bytes += *response.body;
  loop::ErrorCode ignored;
  socket.write_some(loop::asio::buffer(bytes), ignored);
  socket.shutdown(loop::StreamSocket::shutdown_send, ignored);
}

ConnectionIo::ConnectionIo(Socket socket, HttpService& service)
    : socket_(std::move(socket)), service_(service), body_(service.bodies, *this) {}

void ConnectionIo::begin(State state, base::Duration timeout) {
  const base::Instant now = service_.clock.now();
  service_.clients.enter(*this, state, now);
  note_kept();
  deadline_ = timeout == base::Duration::max() ? base::Instant::max() : now + timeout;
}

// One that holds its place gives way by other rules.
void ConnectionIo::note_kept() {
  const size_t of_head = input_.empty() ? 0 : input_.capacity();
  service_.clients.keep(*this, holds_place() ? 0 : of_head + body_.uncounted_bytes());
}

bool ConnectionIo::may_hold(Clients::Wait wait) {
  return service_.clients.may_hold(*this, wait, service_.streams.size(), service_.clock.now());
}

void ConnectionIo::close() {
  ending_ = true;
  body_.clear();
  unread_.end();
  output_.clear();
  loop::ErrorCode ignored;
  socket_.close(ignored);
}

void ConnectionIo::give_way() {
  ++service_.figures.connections_evicted;
  tell_and_close(api::ProblemType::kBusy, "others need what this connection holds");
  std::string().swap(input_);
}

void ConnectionIo::check_deadline(base::Instant now) {
  if (now < deadline_) return;
  deadline_ = base::Instant::max();
  if (state() != State::kIdle && state() != State::kLingering) ++service_.figures.timeouts;
  tell_and_close(api::ProblemType::kTimeout, {});
}

// Only a client whose request is not whole yet can be told anything.
void ConnectionIo::tell_and_close(api::ProblemType problem, const std::string& detail) {
  if (state() == State::kReadingBody || state() == State::kArriving) {
    refuse_at_once(socket_, service_, problem, detail);
  }
  close();
}

bool ConnectionIo::receive_input() {
  const std::optional<std::string_view> more =
      read(std::min(kReadBytes, kHeadBytesMax - input_.size()));
  if (!more) return false;
  const size_t needed = input_.size() + more->size();
  if (needed > input_.capacity()) {
    input_.reserve(std::max(needed, std::min(2 * input_.capacity(), kHeadBytesMax)));
  }
  input_.append(*more);
  note_kept();
  return true;
}

std::optional<std::string_view> ConnectionIo::read(size_t most) {
  loop::ErrorCode error;
  const auto buffer =
      loop::asio::buffer(service_.read.data(), std::min(most, service_.read.size()));
  size_t n = 0;
  do n = socket_.read_some(buffer, error);
  while (error == loop::asio::error::interrupted);
  if (error == loop::asio::error::would_block || error == loop::asio::error::try_again) {
    return std::string_view();
  }
  if (error) return std::nullopt;
  return std::string_view(service_.read.data(), n);
}

void ConnectionIo::release_spare_input() {
  if (input_.empty() && input_.capacity() > kSpareBytesMax) std::string().swap(input_);
}

Client::State ConnectionIo::state_of_body(size_t bytes) {
  return bytes > RequestBody::kFreeBytes ? State::kReadingBody : State::kArriving;
}

// A body that turns out to be a large one holds its place from then on.
bool ConnectionIo::append_to_body(std::string_view more) {
  const base::Instant now = service_.clock.now();
  const bool was_large = state() == State::kReadingBody;
  const bool is_large = was_large || body_.size() + more.size() > RequestBody::kFreeBytes;
  if (is_large && !was_large && !may_hold(Clients::Wait::kForClient)) return false;
  if (!body_.append(more, now)) return false;
  const bool progressed = body_.last_progress() == now;
  if (is_large && (progressed || !was_large)) {
    service_.clients.enter(*this, State::kReadingBody, now);
  }
  note_kept();
  return true;
}

loop::asio::awaitable<ConnectionIo::Received> ConnectionIo::receive_body(size_t bytes) {
  begin(state_of_body(bytes), service_.limits.body_timeout);
  holds_place() ? body_.expect_large(bytes) : body_.expect(bytes);
  if (!body_.append(input_, service_.clock.now())) co_return Received::kNoRoom;
  std::string().swap(input_);
  note_kept();
  while (body_.size() < bytes) {
    const auto [error] = co_await socket_.async_wait(Socket::wait_read, loop::use_result);
    if (error) co_return Received::kEnded;
    const std::optional<std::string_view> more = read(bytes - body_.size());
    if (!more) co_return Received::kEnded;
    if (!append_to_body(*more)) co_return Received::kNoRoom;
  }
  co_return Received::kWhole;
}

loop::asio::awaitable<ConnectionIo::Received> ConnectionIo::receive_chunks(size_t bytes_max,
                                                                           const char*& flaw) {
  using Status = ChunkDecoder::Status;
  ChunkDecoder decoder(bytes_max);
  std::string first = std::exchange(input_, {});
  begin(State::kArriving, service_.limits.body_timeout);
  body_.expect(bytes_max);
  for (std::string_view input = first;;) {
    std::string_view data;
    while (decoder.next(input, data) == Status::kData) {
      if (!append_to_body(data)) co_return Received::kNoRoom;
    }
    if (decoder.status() == Status::kEnd) {
      input_ = input;
      co_return Received::kWhole;
    }
    flaw = decoder.flaw();
    if (decoder.status() == Status::kMalformed) co_return Received::kMalformed;
    if (decoder.status() == Status::kTooLarge) co_return Received::kTooLarge;
    std::string().swap(first);
    const auto [error] = co_await socket_.async_wait(Socket::wait_read, loop::use_result);
    if (error) co_return Received::kEnded;
    // No more than a head may have, since it may be the next one.
    const std::optional<std::string_view> more = read(kReadBytes);
    if (!more) co_return Received::kEnded;
    input = *more;
  }
}

bool ConnectionIo::write_at_once() {
  switch (output_.write_some(socket_)) {
    case HttpOutbox::Progress::kBlocked:
      return false;
    case HttpOutbox::Progress::kFailed:
      close();
      break;
    case HttpOutbox::Progress::kDone:
      break;
  }
  return true;
}

loop::asio::awaitable<void> ConnectionIo::write_rest() {
  if (!may_hold(Clients::Wait::kForClient)) {
    ++service_.figures.connections_evicted;
    close();
    co_return;
  }
  begin(State::kWriting, service_.limits.write_timeout);
  // What it has sent ahead is kept for as long as it does not read, and is counted with the rest.
  input_.shrink_to_fit();
  unread_ = service_.unread.hold(*this, output_.bodies(), output_.head_bytes() + input_.capacity());
  for (bool written = false; !written; written = write_at_once()) {
    const auto [error] = co_await socket_.async_wait(Socket::wait_write, loop::use_result);
    if (error || !socket_.is_open()) {
      close();
      co_return;
    }
    unread_.progressed();
    service_.clients.enter(*this, State::kWriting, service_.clock.now());
  }
  unread_.end();
}

loop::asio::awaitable<void> ConnectionIo::flush() {
  if (!write_at_once()) co_await write_rest();
}

// A client that still sends what was refused would be reset before it has read why.
loop::asio::awaitable<void> ConnectionIo::linger() {
  std::string().swap(input_);
  begin(State::kLingering, service_.limits.linger_timeout);
  loop::ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  for (size_t left = kLingerBytesMax; left > 0;) {
    const auto [error] = co_await socket_.async_wait(Socket::wait_read, loop::use_result);
    if (error) break;
    const std::optional<std::string_view> more = read(left);
    if (!more) break;
    left -= more->size();
  }
}

}  // namespace paystats::http
