// From the event loop to a PaymentSink, which blocks: a thread of its own writes what is posted.
// All that waits is written together and confirmed by one flush (a group commit), so many clients
// share one wait for the disk.
//
//   PaymentWriter writer(loop, std::move(sink), clock, limits, {.on_broken = ...});
//   Result<void> started = writer.start();
//   auto tell = [](PostOutcome outcome) { ... };         // on the loop, once
//   writer.post({.payments = std::move(payments)}, tell);
//   writer.stop();
//
// A sink that stalls (a full pipe, a log that another process holds) holds up the thread and nobody
// else: the queue fills, further posts are told so at once, and a post that has waited for
// `wait_timeout` is told whether it is not written and never will be (kTimedOut), since its turn
// has not come, or that this is unknown (kUnknown). A post whose client has left before its turn is
// never written either. While idle the thread watches for a reader of the output that goes away. A
// group is one commit of the sink, so it is in there whole or not at all.
//
// A post with an idempotency key is written once: see http/posting.h for what else may become of
// it. Where there is an io::KeyedRequests these posts, and questions about keys, go there at once
// and never to the thread. They have begun then: one that waits too long is kUnknown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/posted_payments.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/posting.h"
#include "io/keyed_requests.h"
#include "io/payment_sink.h"
#include "keys/key_answer.h"
#include "loop/event_loop.h"

namespace paystats::http {

struct PaymentWriterLimits {
  size_t posts_max = 4096;       // waiting, or told kUnknown and not decided yet
  uint64_t bytes_max = 4 << 20;  // in memory, of those; one alone may be larger
  // Of what the sink writes for a group of posts; a larger post is a group by itself.
  uint64_t group_bytes_max = io::PaymentSink::kCommitBytes / 2;
  base::Duration wait_timeout = std::chrono::seconds(10);
};

class PaymentWriter {
 public:
  using OnOutcome = std::function<void(PostOutcome)>;

  struct Post {
    api::PostedPayments payments;  // REQUIRES: with a key only where keeps_keys()
    std::string asked_key = {};    // without payments: what became of this key
    int client_fd = -1;            // its socket, to see whether the client is still there
  };

  struct Handlers {
    std::function<void(const base::Error&)> on_broken;      // no payment will ever be taken again
    std::function<void(const base::Error&)> on_not_stored;  // the first of a row of failures
    std::function<void()> on_stored_again;
    // True: a request was refused, as there is no room for its key; false: there is room again.
    std::function<void(bool)> on_keys_full = [](bool) {};
    std::function<void(const base::Result<void>&)> on_stopped;  // the sink has been closed
  };

  // `loop` and `clock` are borrowed; other threads use the first alone, and not once this is gone.
  // `keyed` may be null.
  PaymentWriter(loop::EventLoop& loop, std::unique_ptr<io::PaymentSink> sink,
                const base::Clock& clock, const PaymentWriterLimits& limits, Handlers handlers,
                std::unique_ptr<io::KeyedRequests> keyed = nullptr);
  PaymentWriter(const PaymentWriter&) = delete;
  PaymentWriter& operator=(const PaymentWriter&) = delete;
  ~PaymentWriter();  // end()

  base::Result<void> start();

  // The number of the post, unless it has its outcome already.
  std::optional<uint64_t> post(Post post, OnOutcome on_outcome);

  // The client has left: before its socket is closed. Where the turn of the post has not come it is
  // never written. Its outcome comes later, if it has none yet: of what has begun, as if the client
  // were still there.
  void withdraw(uint64_t post);

  // From then on what still waits for its turn is kStopped, and what an io::KeyedRequests has not
  // decided is kUnknown: for a server that is to end.
  void end_waits_after(base::Duration time);

  // Writes what waits, closes the sink, and calls on_stopped; posts from now on are kStopped.
  void stop();

  // As stop(), and ends the thread and the io::KeyedRequests, which decides nothing more for us.
  // False: the thread is stuck in the sink, and is detached. It owns what it shares with this
  // object, and the sink, which it destroys when that returns; nothing more is written. But what
  // the sink borrows (a topic's: the kafka::Cluster and the stop signals) it may go on using at any
  // time, so the caller destroys none of that: it ends the process. False as well where a thread of
  // the io::KeyedRequests is stuck, with the same consequence.
  bool end();

  // The last payments could be written, or none have been tried, or the output has said since that
  // it would take some: see io::PaymentSink::probe(), which is asked about once a second.
  bool writable() const;
  size_t waiting() const;
  size_t undecided() const;  // have been told that nobody knows, and it is still so

  bool keeps_keys() const;
  keys::KeyFigures key_figures() const;

 private:
  struct LoopSide;

  std::shared_ptr<LoopSide> side_;
};

}  // namespace paystats::http
