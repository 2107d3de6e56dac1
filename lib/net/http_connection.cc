#include "net/http_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "api/problem.h"
#include "net/await_call.h"

namespace paystats {
namespace {

constexpr size_t kReadBytes = 4096;
constexpr size_t kBodyReadBytes = 64 << 10;
constexpr size_t kLingerBytesMax = 8 << 20;

std::string url_host(const asio::ip::address& address) {
  return address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
}

// An IPv6 socket that takes IPv4 as well calls 192.0.2.1 ::ffff:192.0.2.1; the client does not.
asio::ip::address as_client_writes_it(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

HttpResponse response_to(Posting posting, uint64_t payments) {
  switch (posting) {
    case Posting::kTaken:
      return accepted_response(payments);
    case Posting::kBusy:
      return problem_response(ProblemType::kBusy,
                              "too many payments wait to be written; none of these was");
    case Posting::kNotStored:
      return problem_response(
          ProblemType::kNotStored,
          "the output did not take them (a full disk, or no broker?); none of them is stored");
    case Posting::kStopped:
      return problem_response(ProblemType::kStopping, "none of the payments was taken");
    case Posting::kUnknown:
      break;
  }
  return problem_response(ProblemType::kOutcomeUnknown,
                          "the output stalled or failed while they were written");
}

}  // namespace

HttpConnection::HttpConnection(Socket socket, HttpService& service)
    : socket_(std::move(socket)), service_(service), wake_(socket_.get_executor()) {}

void HttpConnection::start(std::function<void()> on_closed) {
  on_closed_ = std::move(on_closed);
  ErrorCode error;
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  if (service_.limits.send_buffer_bytes > 0) {
    socket_.set_option(asio::socket_base::send_buffer_size(service_.limits.send_buffer_bytes),
                       error);
  }
  const auto local = socket_.local_endpoint(error);
  if (!error) {
    local_host_ = url_host(as_client_writes_it(local.address()));
    local_port_ = local.port();
  }
  begin(State::kIdle, service_.limits.head_timeout);
  asio::co_spawn(
      socket_.get_executor(), [self = shared_from_this()] { return self->serve(); },
      // Only the allocator throws: this client's loss, not everybody's.
      [self = shared_from_this()](const std::exception_ptr&) { self->closed(); });
}

void HttpConnection::closed() {
  close();
  if (on_closed_) std::exchange(on_closed_, {})();
}

void HttpConnection::begin(State state, Duration timeout) {
  state_ = state;
  since_ = service_.clock.now();
  deadline_ = since_ + timeout;
}

void HttpConnection::close() {
  ending_ = true;
  ErrorCode ignored;
  socket_.close(ignored);
  wake_.cancel();
}

void HttpConnection::finish() {
  ending_ = true;
  if (state_ == State::kIdle || state_ == State::kStreaming || state_ == State::kReadingHead) {
    close();
  }
}

void HttpConnection::check_deadline(Instant now) {
  if (now < deadline_) return;
  deadline_ = Instant::max();
  if (state_ != State::kIdle && state_ != State::kLingering) ++service_.figures.timeouts;
  timed_out_ = true;
  const bool can_be_told = state_ == State::kReadingBody || state_ == State::kReadingHead;
  if (can_be_told) {
    // As much as the kernel takes at once: such a client is not waited for any more.
    const HttpResponse response = closing_problem(ProblemType::kTimeout, {});
    std::string bytes;
    append_head(bytes, response, {.keep_alive = false, .date = service_.date});
    bytes += *response.body;
    ErrorCode ignored;
    socket_.non_blocking(true, ignored);
    socket_.write_some(asio::buffer(bytes), ignored);
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  close();
}

asio::awaitable<void> HttpConnection::serve() {
  while (!ending_) {
    HttpHead head;
    const bool complete = co_await read_head(head);
    if (!complete) break;
    ++service_.figures.requests;
    co_await handle(head);
    if (ending_) break;
    begin(State::kIdle, service_.limits.idle_timeout);
  }
  if (unread_body_ && socket_.is_open()) co_await linger();
}

// Waits for a whole head in `input_`.
asio::awaitable<bool> HttpConnection::read_head(HttpHead& head) {
  size_t scanned = 0;
  for (;;) {
    if (!input_.empty()) {
      if (state_ == State::kIdle) begin(State::kReadingHead, service_.limits.head_timeout);
      const HeadStatus status = parse_head(input_, scanned, head);
      if (status == HeadStatus::kComplete) co_return true;
      if (status != HeadStatus::kIncomplete) {
        co_await refuse_head(status, head.flaw);
        co_return false;
      }
    } else if (service_.stopping) {
      co_return false;
    }
    const bool more = co_await read_more(std::min(kReadBytes, kHeadBytesMax - input_.size()));
    if (!more) co_return false;
  }
}

asio::awaitable<void> HttpConnection::refuse_head(HeadStatus status, const std::string& flaw) {
  ++service_.figures.requests;
  keep_alive_ = false;
  head_only_ = false;
  const HttpResponse response =
      status == HeadStatus::kTooLarge
          ? closing_problem(ProblemType::kHeaderTooLarge, "a header may have 8 KiB")
          : closing_problem(ProblemType::kBadRequest, flaw);
  unread_body_ = true;
  co_await respond(response);
}

asio::awaitable<bool> HttpConnection::read_more(size_t bytes) {
  const size_t used = input_.size();
  input_.resize(used + bytes);
  const auto [error, n] =
      co_await socket_.async_read_some(asio::buffer(input_.data() + used, bytes), use_result);
  input_.resize(used + n);
  co_return !error && !timed_out_;
}

asio::awaitable<void> HttpConnection::handle(const HttpHead& head) {
  HttpRequest request = head.request;
  request.local_host = local_host_;
  request.local_port = local_port_;
  head_only_ = request.method == "HEAD";
  keep_alive_ = head.keep_alive;
  state_ = State::kWorking;
  deadline_ = Instant::max();
  Action action = service_.router.route(request);
  unread_body_ = content_length(request) > 0 || request.count("Transfer-Encoding") > 0;
  // The request is not looked at any more: it visited the input.
  input_.erase(0, head.bytes);
  if (auto* response = std::get_if<HttpResponse>(&action)) {
    co_await perform(*response);
  } else if (auto* take = std::get_if<TakePayments>(&action)) {
    co_await perform(*take);
  } else if (auto* ask = std::get_if<AskStats>(&action)) {
    co_await perform(*ask);
  } else if (auto* open = std::get_if<OpenStream>(&action)) {
    co_await perform(*open);
  } else {
    co_await perform(std::get<Report>(action));
  }
}

asio::awaitable<void> HttpConnection::perform(HttpResponse& response) {
  co_await respond(response);
}

asio::awaitable<void> HttpConnection::perform(Report& report) {
  const ServerFigures figures = service_.now();
  const HttpResponse response = report.kind == Report::Kind::kReadiness
                                    ? readiness_response(figures)
                                    : metrics_response(figures);
  co_await respond(response);
}

asio::awaitable<void> HttpConnection::perform(AskStats& ask) {
  PreparedAnswerPtr answer = service_.feed.prepared(ask.query);
  if (!answer) {
    using Asked = Result<PreparedAnswerPtr>;
    std::function<void(std::function<void(Asked)>)> start =
        [this, &ask](const std::function<void(Asked)>& done) {
          service_.feed.ask(ask.query, [done](const Asked& result) { done(result); });
        };
    const Asked asked = co_await await_call<Asked>(std::move(start));
    if (!asked) {
      const HttpResponse away = problem_response(ProblemType::kCacheAway, asked.error().message);
      co_await respond(away);
      co_return;
    }
    answer = *asked;
  }
  const HttpResponse response = stats_response(*answer, ask.query, ask.if_none_match);
  co_await respond(response);
}

asio::awaitable<void> HttpConnection::perform(TakePayments& take) {
  std::string body;
  const bool complete = co_await read_body(take, body);
  if (!complete) {
    close();
    co_return;
  }
  unread_body_ = false;
  state_ = State::kWorking;
  deadline_ = Instant::max();
  std::variant<HttpResponse, PostedPayments> read = read_payments(body, service_.rules);
  body = std::string();
  if (const auto* refusal = std::get_if<HttpResponse>(&read)) {
    co_await respond(*refusal);
    co_return;
  }
  PostedPayments& posted = std::get<PostedPayments>(read);
  const uint64_t payments = posted.payments();
  Posting posting = Posting::kTaken;
  if (!posted.empty()) {
    std::function<void(std::function<void(Posting)>)> start =
        [this, &posted](std::function<void(Posting)> done) {
          service_.writer.post(std::move(posted), std::move(done));
        };
    posting = co_await await_call<Posting>(std::move(start));
  }
  if (posting == Posting::kTaken) {
    ++service_.figures.posts_accepted;
    service_.figures.payments_accepted += payments;
  } else {
    ++service_.figures.posts_failed;
  }
  const HttpResponse response = response_to(posting, payments);
  co_await respond(response);
}

asio::awaitable<bool> HttpConnection::read_body(const TakePayments& take, std::string& body) {
  if (take.expects_continue && input_.size() < take.body_bytes) {
    const SharedBytes nothing;
    const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n", nothing);
    if (!told) co_return false;
  }
  begin(State::kReadingBody, service_.limits.body_timeout);
  const size_t here = std::min<size_t>(input_.size(), take.body_bytes);
  body = input_.substr(0, here);
  input_.erase(0, here);
  // Memory grows with what has come, not with what was announced.
  while (body.size() < take.body_bytes) {
    const size_t used = body.size();
    const size_t wanted = std::min<size_t>(take.body_bytes - used, kBodyReadBytes);
    body.resize(used + wanted);
    const auto [error, n] =
        co_await socket_.async_read_some(asio::buffer(body.data() + used, wanted), use_result);
    body.resize(used + n);
    if (error || timed_out_) co_return false;
  }
  co_return true;
}

asio::awaitable<void> HttpConnection::respond(const HttpResponse& response) {
  if (response.close || !keep_alive_ || service_.stopping) ending_ = true;
  const auto status_class = static_cast<size_t>(response.status / 100);
  if (status_class < std::size(service_.figures.responses)) {
    ++service_.figures.responses[status_class];
  }
  output_.clear();
  append_head(output_, response, {.keep_alive = !ending_, .date = service_.date});
  const SharedBytes body = head_only_ ? nullptr : response.body;
  const bool written = co_await write(output_, body);
  if (!written) close();
}

asio::awaitable<bool> HttpConnection::write(std::string_view first, const SharedBytes& second) {
  if (state_ != State::kStreaming) state_ = State::kWriting;
  deadline_ = service_.clock.now() + service_.limits.write_timeout;
  const std::array<asio::const_buffer, 2> buffers = {
      asio::const_buffer(first.data(), first.size()),
      second ? asio::const_buffer(second->data(), second->size()) : asio::const_buffer()};
  const auto [error, n] = co_await asio::async_write(socket_, buffers, use_result);
  deadline_ = Instant::max();
  co_return !error && !timed_out_;
}

// A client that still sends what was refused would be reset before it has read why.
asio::awaitable<void> HttpConnection::linger() {
  begin(State::kLingering, service_.limits.linger_timeout);
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  input_.resize(kBodyReadBytes);
  for (size_t left = kLingerBytesMax; left > 0;) {
    const auto [error, n] = co_await socket_.async_read_some(asio::buffer(input_), use_result);
    if (error || n == 0) break;
    left -= std::min(left, n);
  }
}

// ---- The stream of events.

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
