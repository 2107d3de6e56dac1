// How the server is, for those that watch over it: /readyz for a supervisor that decides whether to
// send requests here, /metrics for Prometheus.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "api/http.h"
#include "api/problem_type.h"
#include "keys/key_answer.h"

namespace paystats::api {

// The server's own figures. Totals only grow.
struct ServerFigures {
  bool cache_connected = false;
  bool cache_ready = false;     // it has seen all that was there when it started
  bool output_writable = true;  // the last payments could be written
  uint64_t cache_version = 0;

  uint64_t requests = 0;
  uint64_t responses[6] = {};                         // by the first digit of their status
  std::array<uint64_t, kProblemTypes> refusals = {};  // by ProblemType
  uint64_t payments_accepted = 0;
  uint64_t posts_accepted = 0;
  uint64_t posts_failed = 0;  // refused by the queue or by the output
  uint64_t events_sent = 0;
  uint64_t connections_seen = 0;
  uint64_t connections_refused = 0;
  uint64_t connections_evicted = 0;  // closed as others needed their place or their memory
  uint64_t timeouts = 0;

  size_t connections = 0;
  size_t streams = 0;
  size_t posts_waiting = 0;
  size_t posts_undecided = 0;  // have been answered, as nobody knew what became of them

  uint64_t posts_repeated = 0;  // answered again, since their key had been taken
  keys::KeyFigures keys;

  // One that is sent.
  void count(const HttpResponse& response);
};

// 200, or 503 that says what is missing.
HttpResponse readiness_response(const ServerFigures& figures);

// Text exposition format 0.0.4.
HttpResponse metrics_response(const ServerFigures& figures);

}  // namespace paystats::api
