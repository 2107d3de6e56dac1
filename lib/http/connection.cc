#include "http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "api/key_response.h"
#include "api/problem.h"
#include "http/listener.h"
#include "http/post_response.h"
#include "loop/await_call.h"

namespace paystats::http {
namespace {

constexpr size_t kTurnAnswers = 8;

// An IPv6 socket that takes IPv4 as well calls 192.0.2.1 ::ffff:192.0.2.1; the client does not.
loop::asio::ip::address as_client_writes_it(const loop::asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return loop::asio::ip::make_address_v4(loop::asio::ip::v4_mapped, address.to_v6());
}

// By which the connection came in; nothing of a Unix socket.
std::optional<loop::asio::ip::tcp::endpoint> local_endpoint(const loop::StreamSocket& socket) {
  loop::ErrorCode error;
  const auto local = socket.local_endpoint(error);
  loop::asio::ip::tcp::endpoint endpoint;
  const int family = local.protocol().family();
  const bool is_ip = family == AF_INET || family == AF_INET6;
  if (error || !is_ip || local.size() > endpoint.capacity()) return std::nullopt;
  std::memcpy(endpoint.data(), local.data(), local.size());
  endpoint.resize(local.size());
  return endpoint;
}

}  // namespace

HttpConnection::HttpConnection(Socket socket, HttpService& service)
    : ConnectionIo(std::move(socket), service) {}

void HttpConnection::start(std::function<void()> on_closed) {
  on_closed_ = std::move(on_closed);
  loop::ErrorCode error;
  socket_.non_blocking(true, error);
  socket_.set_option(loop::asio::ip::tcp::no_delay(true), error);
  if (service_.limits.send_buffer_bytes > 0) {
    socket_.set_option(loop::asio::socket_base::send_buffer_size(service_.limits.send_buffer_bytes),
                       error);
  }
  if (const auto local = local_endpoint(socket_)) {
    local_host_ = url_host(as_client_writes_it(local->address()));
  }
  begin(State::kIdle, service_.limits.head_timeout);
  loop::asio::co_spawn(
      socket_.get_executor(), [self = shared_from_this()] { return self->serve(); },
      [self = shared_from_this()](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
        self->closed();
      });
}

void HttpConnection::closed() {
  close();
  if (on_closed_) std::exchange(on_closed_, {})();
}

void HttpConnection::close() {
  if (post_) service_.writer.withdraw(*std::exchange(post_, std::nullopt));
  ConnectionIo::close();
}

void HttpConnection::finish() {
  if (awaits_turn_) {
    last_turn_ = true;  // the next answer says that it is the last; maybe there is none
    return;
  }
  ending_ = true;
  const bool in_flight = answered_ || state() > State::kArriving;
  if (!in_flight) close();
}

loop::asio::awaitable<void> HttpConnection::serve() {
  HttpHead head;
  while (!ending_) {
    const HeadStatus status = parse_head(input_, scanned_, head);
    if (status != HeadStatus::kIncomplete) {
      scanned_ = 0;
      ++service_.figures.requests;
      std::optional<api::Action> action;
      if (status == HeadStatus::kComplete) {
        action = answer(head);
      } else {
        refuse_head(status, head.flaw);
      }
      if (action) co_await perform(std::move(*action));
      if (++turn_answers_ < kTurnAnswers && !output_.full()) continue;
    }
    if (!write_at_once()) co_await write_rest();
    if (ending_) continue;
    if (status != HeadStatus::kIncomplete) {
      if (!input_.empty()) co_await await_turn();
      continue;
    }

    // All that has come is answered.
    if (service_.stopping && (input_.empty() || last_turn_)) break;
    await_request();
    const auto [error] = co_await socket_.async_wait(Socket::wait_read, loop::use_result);
    if (error || !receive_input()) break;
    turn_answers_ = 0;
  }
  co_await flush();
  if (more_may_come_ && socket_.is_open()) co_await linger();
}

// A byte now and then buys no time: only a state that begins has a new deadline.
void HttpConnection::await_request() {
  if (!input_.empty()) {
    if (answered_ || state() != State::kArriving) {
      begin(State::kArriving, service_.limits.head_timeout);
    }
  } else if (answered_ || state() != State::kIdle) {
    release_spare_input();
    begin(State::kIdle, service_.limits.idle_timeout);
  }
  answered_ = false;
}

// Others first. Meanwhile it is as one whose request still comes: it gives way, and is told so.
loop::asio::awaitable<void> HttpConnection::await_turn() {
  begin(State::kArriving, service_.limits.head_timeout);
  awaits_turn_ = true;
  std::function<void(std::function<void(bool)>)> start =
      [this](const std::function<void(bool)>& done) {
        service_.turns.wait([done] { done(true); });
      };
  co_await loop::await_call<bool>(std::move(start));
  awaits_turn_ = false;
  turn_answers_ = 0;
}

void HttpConnection::refuse_head(HeadStatus status, const std::string& flaw) {
  answered_ = true;
  keep_alive_ = false;
  head_only_ = false;
  respond(status == HeadStatus::kTooLarge
              ? api::closing_problem(api::ProblemType::kHeaderTooLarge, "a header may have 8 KiB")
              : api::closing_problem(api::ProblemType::kBadRequest, flaw));
}

std::optional<api::Action> HttpConnection::answer(HttpHead& head) {
  api::HttpRequest& request = head.request;
  request.local_host = local_host_;
  head_only_ = request.method == "HEAD";
  keep_alive_ = head.keep_alive;
  say_keep_alive_ = request.is_http_1_0;  // it does not take it for granted
  answered_ = true;
  api::Action action = service_.router.route(request);
  more_may_come_ = api::has_body(request);
  // The request is not looked at any more: it pointed into the input.
  input_.erase(0, head.bytes);
  if (const auto* response = std::get_if<api::HttpResponse>(&action)) {
    respond(*response);
  } else if (const auto* report = std::get_if<api::Report>(&action)) {
    if (report->kind != api::Report::Kind::kKeys && service_.feed.in_doubt()) return action;
    respond(response_to(*report));
  } else if (const auto* ask = std::get_if<api::AskStats>(&action);
             !ask || !answer_from_memory(*ask)) {
    return action;
  }
  return std::nullopt;
}

api::HttpResponse HttpConnection::response_to(const api::Report& report) const {
  const api::ServerFigures figures = service_.now();
  switch (report.kind) {
    case api::Report::Kind::kReadiness:
      return api::readiness_response(figures);
    case api::Report::Kind::kMetrics:
      return api::metrics_response(figures);
    case api::Report::Kind::kKeys:
      break;
  }
  return api::keys_response(figures.keys);
}

bool HttpConnection::answer_from_memory(const api::AskStats& ask) {
  const api::PreparedAnswerPtr answer = service_.feed.prepared(ask.query);
  if (answer) respond(api::stats_response(*answer, ask.query, ask.if_none_match));
  return answer != nullptr;
}

void HttpConnection::respond(const api::HttpResponse& response) {
  if (response.close || !keep_alive_ || service_.stopping) ending_ = true;
  if (response.close) more_may_come_ = true;  // the client does not know yet that it is the last
  service_.figures.count(response);
  api::append_head(
      output_.head(), response,
      {.keep_alive = !ending_, .say_keep_alive = say_keep_alive_, .date = service_.date});
  if (head_only_ || !response.body) return output_.add(nullptr, nullptr);
  output_.add(response.body, service_.pages.of(response.body), response.resident);
}

loop::asio::awaitable<void> HttpConnection::perform(api::Action action) {
  co_await flush();  // the answers to the requests before this one need not wait for it
  if (ending_) co_return;
  if (auto* take = std::get_if<api::TakePayments>(&action)) {
    co_await take_payments(*take);
  } else if (auto* key = std::get_if<api::AskKey>(&action)) {
    co_await ask_key(std::move(*key));
  } else if (auto* ask = std::get_if<api::AskStats>(&action)) {
    co_await ask_stats(std::move(*ask));
  } else if (const auto* report = std::get_if<api::Report>(&action)) {
    co_await tell(*report);
  } else {
    co_await open_stream(std::move(std::get<api::OpenStream>(action)));
  }
}

// Once it is known whether the cache is there, which nobody has asked it for some time.
loop::asio::awaitable<void> HttpConnection::tell(api::Report report) {
  std::function<void(std::function<void(bool)>)> start =
      [this](const std::function<void(bool)>& done) {
        service_.feed.await_word([done] { done(true); });
      };
  if (service_.feed.in_doubt()) {
    if (!may_wait(Clients::Wait::kForCache)) co_return;
    begin(State::kWaiting, base::Duration::max());
    co_await loop::await_call<bool>(std::move(start));
  }
  respond(response_to(report));
}

loop::asio::awaitable<void> HttpConnection::ask_stats(api::AskStats ask) {
  using Asked = base::Result<api::PreparedAnswerPtr>;
  std::function<void(std::function<void(Asked)>)> start =
      [this, &ask](const std::function<void(Asked)>& done) {
        service_.feed.ask(ask.query, [done](const Asked& result) { done(result); });
      };
  const bool small = AnswerFeed::is_small(ask.query);
  if (!may_wait(small ? Clients::Wait::kForCache : Clients::Wait::kForClient)) co_return;
  begin(State::kWaiting, base::Duration::max());
  const Asked asked = co_await loop::await_call<Asked>(std::move(start));
  respond(asked ? api::stats_response(**asked, ask.query, ask.if_none_match)
                : api::problem_response(api::ProblemType::kCacheAway, asked.error().message));
}

loop::asio::awaitable<void> HttpConnection::take_payments(api::TakePayments take) {
  const std::optional<std::string_view> body = co_await read_body(take);
  if (!body) co_return;
  more_may_come_ = false;
  std::variant<api::HttpResponse, api::PostedPayments> read =
      api::read_payments(*body, service_.rules, take.idempotency_key);
  if (take.is_chunked || body_.size() > 0) {
    body_.clear();
  } else {
    input_.erase(0, take.body_bytes);
  }
  if (const auto* refusal = std::get_if<api::HttpResponse>(&read)) {
    respond(*refusal);
    co_return;
  }
  co_await store(std::move(std::get<api::PostedPayments>(read)));
}

// Small ones have come with their head, and are read where they are.
loop::asio::awaitable<std::optional<std::string_view>> HttpConnection::read_body(
    const api::TakePayments& take) {
  if (!take.is_chunked) {
    if (input_.size() >= take.body_bytes) {
      co_return std::string_view(input_).substr(0, take.body_bytes);
    }
    const bool holds_place = state_of_body(take.body_bytes) == State::kReadingBody;
    if (holds_place && !may_wait(Clients::Wait::kForClient)) co_return std::nullopt;
  }
  if (take.expects_continue && input_.empty()) {
    output_.head() += "HTTP/1.1 100 Continue\r\n\r\n";
    output_.add(nullptr, nullptr);
    co_await flush();
  }
  const char* flaw = nullptr;
  Received received = Received::kEnded;
  if (take.is_chunked) {
    received = co_await receive_chunks(take.body_bytes, flaw);
  } else {
    received = co_await receive_body(take.body_bytes);
  }
  if (received == Received::kWhole) co_return body_.bytes();
  body_.clear();
  refuse_body(received, flaw, take.body_bytes);
  co_return std::nullopt;
}

void HttpConnection::refuse_body(Received received, const char* flaw, uint64_t body_bytes_max) {
  switch (received) {
    case Received::kNoRoom:
      respond(
          api::closing_problem(api::ProblemType::kBusy, "too many large bodies are being read"));
      break;
    case Received::kTooLarge: {
      api::HttpResponse response = api::body_too_large(body_bytes_max);
      response.close = true;
      respond(response);
      break;
    }
    case Received::kMalformed:
      respond(api::closing_problem(api::ProblemType::kBadRequest, flaw));
      break;
    case Received::kEnded:
    case Received::kWhole:
      close();
      break;
  }
}

// Whether this connection may keep its place for that; else it is answered.
bool HttpConnection::may_wait(Clients::Wait wait) {
  if (may_hold(wait)) return true;
  respond(api::closing_problem(api::ProblemType::kBusy, "too many clients wait"));
  return false;
}

loop::asio::awaitable<PostOutcome> HttpConnection::await_outcome(PaymentWriter::Post post) {
  post.client_fd = socket_.native_handle();
  std::function<void(std::function<void(PostOutcome)>)> start =
      [this, &post](std::function<void(PostOutcome)> done) {
        post_ = service_.writer.post(std::move(post), std::move(done));
      };
  begin(State::kWaiting, base::Duration::max());
  const PostOutcome outcome = co_await loop::await_call<PostOutcome>(std::move(start));
  post_.reset();
  co_return outcome;
}

loop::asio::awaitable<void> HttpConnection::store(api::PostedPayments posted) {
  if (posted.empty()) {
    ++service_.figures.posts_accepted;
    respond(api::accepted_response(0));
    co_return;
  }
  const bool keyed = !posted.idempotency_key().empty();
  if (keyed && !service_.writer.keeps_keys()) {
    ++service_.figures.posts_failed;
    respond(api::keys_not_kept_response(true, service_.rules.keys_need_topics));
    co_return;
  }
  if (!may_wait(Clients::Wait::kForOutput)) {
    ++service_.figures.posts_failed;
    co_return;
  }
  // Named: g++ 12 copies the bytes of an aggregate that is made within a co_await.
  PaymentWriter::Post post;
  post.payments = std::move(posted);
  const PostOutcome outcome = co_await await_outcome(std::move(post));
  if (outcome.posting != Posting::kTaken) {
    ++service_.figures.posts_failed;
  } else if (outcome.repeated) {
    ++service_.figures.posts_repeated;
  } else {
    ++service_.figures.posts_accepted;
    service_.figures.payments_accepted += outcome.payments;
  }
  respond(post_response(outcome, keyed ? Wanted::kKeyedPayments : Wanted::kPayments,
                        service_.writer.key_figures()));
}

loop::asio::awaitable<void> HttpConnection::ask_key(api::AskKey ask) {
  if (!service_.writer.keeps_keys()) {
    respond(api::keys_not_kept_response(false, service_.rules.keys_need_topics));
    co_return;
  }
  if (!may_wait(Clients::Wait::kForOutput)) co_return;
  PaymentWriter::Post question;
  question.asked_key = std::move(ask.idempotency_key);
  const PostOutcome outcome = co_await await_outcome(std::move(question));
  respond(post_response(outcome, Wanted::kAnswer, service_.writer.key_figures()));
}

loop::asio::awaitable<void> HttpConnection::open_stream(api::OpenStream open) {
  if (!may_wait(Clients::Wait::kForClient)) co_return;
  ++service_.figures.responses[2];
  ending_ = ending_ || service_.stopping || head_only_;
  api::append_head(output_.head(), api::stream_response(),
                   {.keep_alive = false, .date = service_.date, .stream = true});
  if (!head_only_) output_.head() += "retry: 1000\n\n";
  output_.add(nullptr, nullptr);
  co_await flush();
  const bool closing = std::exchange(ending_, true);  // no request follows a stream
  if (!closing) service_.streams.open(std::move(socket_), open.query);
}

}  // namespace paystats::http
