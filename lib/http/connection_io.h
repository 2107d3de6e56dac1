// The bytes of one connection, in and out, within the limits that all connections share. Private to
// this room. Tested through http/connection.h.
//
// A connection that waits for its client has no buffer: it is woken when there is something to
// read, which goes through one buffer that all connections share, and keeps what is not whole yet.
// What is to be written leaves at once; only a client that does not read is waited for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/problem.h"
#include "base/clock.h"
#include "http/clients.h"
#include "http/outbox.h"
#include "http/request_body.h"
#include "http/service.h"
#include "http/unread_answers.h"
#include "loop/asio_tcp.h"

namespace paystats::http {

// Refuses a client that is not waited for any more: as much of it as the kernel takes at once.
// REQUIRES: `socket` is non-blocking.
void refuse_at_once(loop::StreamSocket& socket, HttpService& service, api::ProblemType problem,
                    const std::string& detail);

class ConnectionIo : public Client {
 public:
  using Socket = loop::StreamSocket;

  virtual void close();
  void give_way() override;

  // Cuts off a client that has not done in time what was waited for.
  void check_deadline(base::Instant now);

 protected:
  ConnectionIo(Socket socket, HttpService& service);

  // This state begins. Of no time-out: base::Duration::max().
  void begin(State state, base::Duration timeout);
  bool may_hold(Clients::Wait wait);  // see Clients::may_hold()

  // False: the client has ended.
  bool receive_input();
  void release_spare_input();

  enum class Received { kWhole, kNoRoom, kEnded, kTooLarge, kMalformed };
  // Reads on what `input_` begins with into `body_`, until it has so many bytes. REQUIRES: where
  // the state_of_body() holds its place, it may.
  loop::asio::awaitable<Received> receive_body(size_t bytes);
  static State state_of_body(size_t bytes);
  // The same of a chunked one, which may have so many bytes; the input begins behind it then. With
  // kMalformed `flaw` says why.
  loop::asio::awaitable<Received> receive_chunks(size_t bytes_max, const char*& flaw);

  // What is in the outbox leaves it, or the connection is closed. False: the client is to be waited
  // for, by write_rest().
  bool write_at_once();
  loop::asio::awaitable<void> write_rest();
  loop::asio::awaitable<void> flush();
  loop::asio::awaitable<void> linger();

  Socket socket_;
  HttpService& service_;
  bool ending_ = false;  // after what is in the outbox
  std::string input_;    // received and not yet consumed
  RequestBody body_;     // where it is not in there as a whole
  HttpOutbox output_;

 private:
  void note_kept();
  // False: there is no room.
  bool append_to_body(std::string_view more);
  // At most `most` bytes of what has come, in the buffer that is shared. Nothing: an error, or the
  // client's end.
  std::optional<std::string_view> read(size_t most);
  void tell_and_close(api::ProblemType problem, const std::string& detail);

  base::Instant deadline_ = base::Instant::max();
  UnreadAnswers::Hold unread_;  // while the client does not read
};

}  // namespace paystats::http
