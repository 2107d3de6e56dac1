// One client of the HTTP server: a coroutine that reads requests, has them judged, answers them,
// and begins anew. Private to this room; see http/server.h for what a client can rely on.
//
// What can be answered from memory is, without a further coroutine: all requests that have come are
// answered, and their responses leave together, before more is read. Only what must be waited for
// (the cache, the output, a client that does not read) takes a frame of its own. A client that asks
// for the live stream has its socket handed on (see event_stream.h), and the connection ends.
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
#include "http/answer_feed.h"
#include "http/body_pages.h"
#include "http/event_stream.h"
#include "http/head.h"
#include "http/outbox.h"
#include "http/payment_writer.h"
#include "http/server.h"
#include "loop/asio_tcp.h"

namespace paystats::http {

// What all connections share. All are borrowed.
struct HttpService {
  const api::Router& router;
  const api::PaymentRules rules;
  AnswerFeed& feed;
  EventStreams& streams;
  PaymentWriter& writer;
  const base::Clock& clock;
  const HttpLimits& limits;
  api::ServerFigures& figures;  // totals; the rest is filled in when somebody asks
  BodyPages pages{};
  std::string date{};  // renewed each second
  bool stopping = false;
  std::function<api::ServerFigures()> now{};  // all figures
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = loop::StreamSocket;

  HttpConnection(Socket socket, HttpService& service);

  // Serves the client until one of the two sides ends it; calls `on_closed` as the last thing.
  void start(std::function<void()> on_closed);

  // A request in flight is answered first; otherwise at once.
  void finish();
  void close();

  // Cuts off a client that has not done in time what was waited for.
  void check_deadline(base::Instant now);

  bool idle() const { return state_ == State::kIdle; }  // no byte of a request has come
  base::Instant since() const { return since_; }        // when what it does now began

 private:
  enum class State { kIdle, kReadingHead, kReadingBody, kWorking, kWriting, kLingering };

  loop::asio::awaitable<void> serve();
  void await_request();
  void refuse_head(HeadStatus status, const std::string& flaw);
  // Nothing: it has been answered. Else what is to be done for it.
  std::optional<api::Action> answer(const HttpHead& head);
  bool answer_from_memory(const api::AskStats& ask);
  loop::asio::awaitable<void> perform(api::Action action);
  loop::asio::awaitable<void> take_payments(api::TakePayments take);
  loop::asio::awaitable<bool> read_body(const api::TakePayments& take);
  loop::asio::awaitable<void> store(api::PostedPayments posted);
  loop::asio::awaitable<void> ask_key(api::AskKey ask);
  loop::asio::awaitable<PostOutcome> await_outcome(PaymentWriter::Post post);
  loop::asio::awaitable<void> ask_stats(api::AskStats ask);
  loop::asio::awaitable<void> open_stream(api::OpenStream open);
  loop::asio::awaitable<void> linger();
  void respond(const api::HttpResponse& response);
  // What is in the outbox leaves it, or the connection is closed. False: the client is to be waited
  // for, by write_rest().
  bool write_at_once();
  loop::asio::awaitable<void> write_rest();
  loop::asio::awaitable<void> flush();
  void begin(State state, base::Duration timeout);
  void closed();

  Socket socket_;
  HttpService& service_;
  std::function<void()> on_closed_;
  State state_ = State::kIdle;
  base::Instant since_{};
  base::Instant deadline_ = base::Instant::max();
  bool ending_ = false;           // after what is in the outbox
  std::optional<uint64_t> post_;  // at the writer, that is waited for
  bool unread_body_ = false;

  std::string input_;   // received and not yet consumed
  size_t scanned_ = 0;  // of it, see parse_head()
  HttpOutbox output_;
  std::string local_host_;
  uint16_t local_port_ = 0;

  // Of the request at hand.
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool say_keep_alive_ = false;
};

}  // namespace paystats::http
