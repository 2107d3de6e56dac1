// What all connections of the server share. Private to this room; see http/server.h for what a
// client can rely on.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "api/report.h"
#include "api/router.h"
#include "base/clock.h"
#include "http/answer_feed.h"
#include "http/body_pages.h"
#include "http/clients.h"
#include "http/event_stream.h"
#include "http/limits.h"
#include "http/payment_writer.h"
#include "http/request_body.h"
#include "http/turns.h"
#include "http/unread_answers.h"

namespace paystats::http {

// All are borrowed.
struct HttpService {
  const api::Router& router;
  const api::PaymentRules rules;
  AnswerFeed& feed;
  EventStreams& streams;
  Clients& clients;
  BodyBudget& bodies;
  UnreadAnswers& unread;
  Turns& turns;
  PaymentWriter& writer;
  const base::Clock& clock;
  const HttpLimits& limits;
  api::ServerFigures& figures;  // totals; the rest is filled in when somebody asks
  BodyPages pages{};
  std::string date{};  // renewed each second
  bool stopping = false;
  std::function<api::ServerFigures()> now{};  // all figures
  // What has just been read, until the connection that read it waits for anything.
  std::array<char, size_t{64} << 10U> read{};
};

}  // namespace paystats::http
