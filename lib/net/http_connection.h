// One client of the HTTP server: a coroutine that reads a request, has it judged, answers it, and
// begins anew. Private to this room; see http_server.h for what a client can rely on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/report.h"
#include "api/router.h"
#include "base/clock.h"
#include "net/answer_feed.h"
#include "net/http_asio.h"
#include "net/http_head.h"
#include "net/http_server.h"
#include "net/live_pages.h"
#include "net/payment_writer.h"

namespace paystats {

// What all connections share. All are borrowed.
struct HttpService {
  const Router& router;
  const PaymentRules rules;
  AnswerFeed& feed;
  LivePages& pages;
  PaymentWriter& writer;
  const Clock& clock;
  const HttpLimits limits;
  ServerFigures figures{};  // totals; the rest is filled in when somebody asks
  std::string date{};       // renewed each second
  bool stopping = false;
  std::function<ServerFigures()> now{};  // all figures
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = asio::ip::tcp::socket;

  HttpConnection(Socket socket, HttpService& service);

  // Serves the client until one of the two sides ends it; calls `on_closed` as the last thing.
  void start(std::function<void()> on_closed);

  // A request in flight is answered first; otherwise at once.
  void finish();
  void close();

  // Cuts off a client that has not done in time what was waited for.
  void check_deadline(Instant now);

  bool idle() const { return state_ == State::kIdle; }  // no byte of a request has come
  Instant since() const { return since_; }              // when what it does now began
  bool streaming() const { return state_ == State::kStreaming; }

 private:
  enum class State {
    kIdle,
    kReadingHead,
    kReadingBody,
    kWorking,
    kWriting,
    kStreaming,
    kLingering
  };

  asio::awaitable<void> serve();
  asio::awaitable<bool> read_head(HttpHead& head);
  asio::awaitable<void> refuse_head(HeadStatus status, const std::string& flaw);
  asio::awaitable<void> handle(const HttpHead& head);
  asio::awaitable<void> perform(HttpResponse& response);
  asio::awaitable<void> perform(TakePayments& take);
  asio::awaitable<void> perform(AskStats& ask);
  asio::awaitable<void> perform(OpenStream& open);
  asio::awaitable<void> perform(Report& report);
  asio::awaitable<bool> read_body(const TakePayments& take, std::string& body);
  asio::awaitable<bool> read_more(size_t bytes);
  asio::awaitable<void> respond(const HttpResponse& response);
  // Both stay where they are until this is done: the caller holds them.
  asio::awaitable<bool> write(std::string_view first, const SharedBytes& second);
  asio::awaitable<void> send_events();
  asio::awaitable<void> linger();
  void watch_for_end();
  void begin(State state, Duration timeout);
  void closed();

  Socket socket_;
  HttpService& service_;
  std::function<void()> on_closed_;
  State state_ = State::kIdle;
  Instant since_{};
  Instant deadline_ = Instant::max();
  bool timed_out_ = false;
  bool ending_ = false;  // after the present response
  bool unread_body_ = false;

  std::string input_;   // received and not yet consumed
  std::string output_;  // memory of response heads
  std::string local_host_;
  uint16_t local_port_ = 0;

  // Of the request at hand.
  bool head_only_ = false;
  bool keep_alive_ = false;

  // Of a stream.
  asio::steady_timer wake_;
  SharedBytes event_;  // the newest that has not been sent
};

}  // namespace paystats
