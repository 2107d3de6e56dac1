// A server at work: the page and the REST API on an address, payments to a sink, and those with an
// idempotency key to an io::KeyedRequests, where there is one; totals from the cache's socket.
//
//   HttpRun run(std::move(options), context);
//   if (Result<void> opened = run.open(std::move(sink), std::move(files)); !opened) ...
//   if (Result<void> done = run.run(); !done) ...        // until a signal, or the output breaks
//
// After a stop signal no connection is accepted; what is in flight is finished, for a few seconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "api/posted_payments.h"
#include "api/router.h"
#include "api/static_files.h"
#include "base/result.h"
#include "base/run_context.h"
#include "http/answer_feed.h"
#include "http/listener.h"
#include "http/payment_writer.h"
#include "http/server.h"
#include "io/keyed_requests.h"
#include "io/payment_sink.h"

namespace paystats::http {

struct HttpRunOptions {
  ListenAddress address;
  bool wait_for_address = false;  // where this machine does not have it yet
  std::string stats_path;         // the cache's socket
  std::string output_name;        // as messages call the sink
  bool output_is_topic = false;
  api::PaymentRules rules;
  api::RouterOptions router;
  HttpLimits limits;
  PaymentWriterLimits writer;
  AnswerFeedOptions feed;
};

class HttpRun {
 public:
  HttpRun(HttpRunOptions options, const base::RunContext& context);
  HttpRun(const HttpRun&) = delete;
  HttpRun& operator=(const HttpRun&) = delete;
  ~HttpRun();

  // Takes the address and says on which one it listens, and what an acknowledgement is worth.
  // `keyed` may be null; its figures() are asked for before it is started, which run() does.
  base::Result<void> open(std::unique_ptr<io::PaymentSink> sink, api::StaticFiles files,
                          std::unique_ptr<io::KeyedRequests> keyed = nullptr);

  // REQUIRES: open() has succeeded. Call once.
  base::Result<void> run();

  // After a run() that failed: the sink has not returned to the thread that writes, which may go on
  // using all that the sink borrows; or so has a thread of `keyed`. So end the process at once, by
  // std::_Exit(): nothing that main() has made may be destroyed.
  bool output_stuck() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::http
