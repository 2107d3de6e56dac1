// One client of the HTTP server: a coroutine that reads requests, has them judged, answers them,
// and begins anew. Private to this room; see http/server.h for what a client can rely on.
//
// What can be answered from memory is, without a further coroutine: a few of the requests that have
// come are answered, and their responses are sent together. A connection with more requests waits
// for its turn (see turns.h). More is read when all are answered. Only what must be waited for
// (the cache, the output, a client that does not read) takes a frame of its own. A client that asks
// for the live stream has its socket handed on (see event_stream.h), and the connection ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/router.h"
#include "http/connection_io.h"
#include "http/head.h"
#include "http/payment_writer.h"
#include "http/service.h"

namespace paystats::http {

class HttpConnection final : public ConnectionIo,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Socket socket, HttpService& service);

  // Serves the client until one of the two sides ends it; calls `on_closed` as the last thing.
  void start(std::function<void()> on_closed);

  // A request in flight is answered first; otherwise at once.
  void finish();
  void close() override;

 private:
  loop::asio::awaitable<void> serve();
  void await_request();
  loop::asio::awaitable<void> await_turn();
  void refuse_head(HeadStatus status, const std::string& flaw);
  // Nothing: it has been answered. Else what is to be done for it.
  std::optional<api::Action> answer(HttpHead& head);
  api::HttpResponse response_to(const api::Report& report) const;
  bool answer_from_memory(const api::AskStats& ask);
  loop::asio::awaitable<void> perform(api::Action action);
  loop::asio::awaitable<void> take_payments(api::TakePayments take);
  // Nothing: it has been answered, or the client has gone.
  loop::asio::awaitable<std::optional<std::string_view>> read_body(const api::TakePayments& take);
  void refuse_body(Received received, const char* flaw, uint64_t body_bytes_max);
  bool may_wait(Clients::Wait wait);
  loop::asio::awaitable<void> store(api::PostedPayments posted);
  loop::asio::awaitable<void> ask_key(api::AskKey ask);
  loop::asio::awaitable<PostOutcome> await_outcome(PaymentWriter::Post post);
  loop::asio::awaitable<void> tell(api::Report report);
  loop::asio::awaitable<void> ask_stats(api::AskStats ask);
  loop::asio::awaitable<void> open_stream(api::OpenStream open);
  void respond(const api::HttpResponse& response);
  void closed();

  std::function<void()> on_closed_;
  bool answered_ = false;         // since it was last waited for
  std::optional<uint64_t> post_;  // at the writer, that is waited for
  size_t turn_answers_ = 0;       // since it began to answer what it had read, or got its turn
  bool awaits_turn_ = false;
  bool last_turn_ = false;      // it was to finish meanwhile
  bool more_may_come_ = false;  // from the client, behind the answer that is the last
  size_t scanned_ = 0;          // of the input, see parse_head()
  std::string local_host_;

  // Of the request at hand.
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool say_keep_alive_ = false;
};

}  // namespace paystats::http
