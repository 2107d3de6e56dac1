// The part of a connection that sends events; see http_connection.h.
#include "api/problem.h"
#include "net/http_connection.h"

namespace paystats {

asio::awaitable<void> HttpConnection::perform(OpenStream& open) {
  const HttpResponse response = stream_response();
  ++service_.figures.responses[2];
  ending_ = ending_ || service_.stopping || head_only_;
  std::string head;
  append_head(head, response, {.keep_alive = false, .date = service_.date, .stream = true});
  if (!head_only_) head += "retry: 1000\n\n";
  const SharedBytes nothing;
  const bool written = co_await write(head, nothing);
  const bool closing = std::exchange(ending_, true);  // no request follows a stream
  if (!written || closing) co_return;

  state_ = State::kStreaming;
  // There may be many streams, and all that they need is in the kernel and in shared events.
  input_ = std::string();
  output_ = std::string();
  watch_for_end();
  const LivePages::Watching watching =
      service_.pages.watch(open.query, [this](const SharedBytes& event) {
        event_ = event;
        wake_.cancel();
      });
  co_await send_events();
  state_ = State::kWorking;
}

asio::awaitable<void> HttpConnection::send_events() {
  static const SharedBytes kComment = comment_event();
  while (socket_.is_open()) {
    if (const SharedBytes event = std::exchange(event_, nullptr)) {
      ++service_.figures.events_sent;
      constexpr std::string_view kNoHead;
      const bool written = co_await write(kNoHead, event);
      if (!written) co_return;
      continue;
    }
    wake_.expires_after(service_.limits.comment_interval);
    const auto [interrupted] = co_await wake_.async_wait(use_result);
    if (!interrupted && !event_) event_ = kComment;
  }
}

// A client of a stream has nothing more to say: whatever can be read is its end.
void HttpConnection::watch_for_end() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    if (!error) self->close();
  });
}

}  // namespace paystats
