// The totals as HTTP has them: an answer of the cache with its ETag, and events of the live stream.
//
//   event: stats
//   id: 00c0ffee00c0ffee-812
//   data: {"instance":"00c0ffee00c0ffee","version":812, ...}
//
// The body of a response and the data of an event are the bytes of the cache's answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "api/http.h"
#include "base/result.h"
#include "protocol/query.h"

namespace paystats::api {

// Of which totals an answer is. A version is one of its instance alone.
struct TotalsState {
  uint64_t instance = 0;
  uint64_t version = 0;
  bool ready = false;

  friend bool operator==(const TotalsState&, const TotalsState&) = default;
};

// One answer of the cache, prepared once for all that ask the same at this version.
struct PreparedAnswer {
  TotalsState totals;
  bool empty = false;  // no rows: for one user, there is no such user
  SharedBytes body;
  std::string etag;    // with its quotes
  std::string fields;  // of a response
};
using PreparedAnswerPtr = std::shared_ptr<const PreparedAnswer>;

// `line` is what the cache answered to `query`. An {"error":"…"} is that error.
base::Result<PreparedAnswer> prepare_answer(std::string line, const protocol::Query& query);

// "instance-version-limit-offset-q", or "instance-version-user-NAME", with its quotes.
std::string etag_of(uint64_t instance, uint64_t version, const protocol::Query& query);

// What is written for one event, in this order. The data is that of the answer and not a copy: a
// page may have megabytes.
struct StreamEvent {
  std::string head;
  SharedBytes data = nullptr;  // may be null
  std::string_view tail = {};

  size_t data_bytes() const { return data ? data->size() : 0; }
};
using SharedEvent = std::shared_ptr<const StreamEvent>;

SharedEvent stats_event(const PreparedAnswer& answer);
SharedEvent away_event();
SharedEvent comment_event();  // keeps a stream from looking idle

// 200, 304 where `if_none_match` names it, or 404 for a user that is not there.
HttpResponse stats_response(const PreparedAnswer& answer, const protocol::Query& query,
                            std::string_view if_none_match);

HttpResponse stream_response();

}  // namespace paystats::api
