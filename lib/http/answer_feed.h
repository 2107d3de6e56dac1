// What the cache answers, for a server whose many clients ask the same few things. Two connections
// to the cache's socket: one watches for changes, one asks. Both are made anew whenever they end,
// so a cache may come late, go, and come back as another instance.
//
//   AnswerFeed feed(loop, "stats.sock", clock, {}, [&] { ... something changed ... });
//   feed.start();
//   if (PreparedAnswerPtr answer = feed.prepared(query)) ...       // at once: nothing has changed
//   feed.ask(query, [](const Result<PreparedAnswerPtr>& answer) { ... });
//   feed.stop();
//
// A cache that is frozen says nothing and ends nothing. So while there are clients a watch that has
// been silent for a while is asked for again, which a cache answers at once whatever else it is
// asked: where no line comes the cache is away, within three seconds of its last word. A cache that
// is slow with one question answers this all the same. While there is no client, nobody is woken
// for it: the first one that comes then has to wait for the cache's word, or its absence.
//
// The answer to a query at a version is made once and shared by all that ask; those that ask while
// it is on its way wait for the same. Of large pages one is on its way at a time, so that others
// need not wait for many of them. All on the loop's thread; handlers are called from the loop,
// not from within a call, except that ask() may call at once where the cache is away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/stats_response.h"
#include "base/clock.h"
#include "base/result.h"
#include "loop/event_loop.h"
#include "protocol/query.h"

namespace paystats::http {

class LineLink;

struct AnswerFeedOptions {
  base::Duration retry_least = std::chrono::milliseconds(50);
  base::Duration retry_max = std::chrono::seconds(1);
  base::Duration answer_timeout =
      std::chrono::seconds(5);  // for one question; a slower cache is away
  // For a watch that is silent, before it is asked for again; and for that to be answered.
  base::Duration silence_max = std::chrono::milliseconds(500);
  base::Duration watch_timeout = std::chrono::milliseconds(1800);
  size_t answers_max = 256;  // prepared ones that are kept
  uint64_t answer_bytes_max = 2 << 20;
  size_t questions_max = 16384;  // on their way
  size_t question_bytes_max = 1 << 20;
};

class AnswerFeed {
 public:
  using Answered = std::function<void(const base::Result<api::PreparedAnswerPtr>&)>;

  // `on_change`: the cache says that it has another version, it has come, or it has gone. Answers
  // may show a version before the cache says so.
  AnswerFeed(loop::EventLoop& loop, std::string path, const base::Clock& clock,
             const AnswerFeedOptions& options, std::function<void()> on_change);
  AnswerFeed(const AnswerFeed&) = delete;
  AnswerFeed& operator=(const AnswerFeed&) = delete;
  ~AnswerFeed();

  // Called with how much of an answer has come where that is a lot, and with 0 when it is over. All
  // that waits for such an answer takes memory besides it.
  void on_long_answer(std::function<void(size_t bytes)> on_long);

  void start();
  void stop();  // the cache is away from now on

  // Whether there are clients. At first there are none.
  void attend(bool clients);
  // Clients have come, and the cache has not spoken since, nor shortly before. What it has said may
  // be older than it should be: prepared() has nothing, ask() brings what the cache says now.
  bool in_doubt() const;
  // Calls `known` once that is over, and connected() and ready() are what they say. REQUIRES:
  // in_doubt().
  void await_word(std::function<void()> known);

  bool connected() const;
  bool ready() const;         // as the cache says it of itself
  uint64_t instance() const;  // of the newest answer
  uint64_t version() const;

  // Such a question is soon answered, and does not wait for large ones.
  static bool is_small(const protocol::Query& query);

  // The cache has said since that there is something newer: a caller that joined a question under
  // way may be given such an answer.
  bool overtaken(const api::PreparedAnswer& answer) const;

  api::PreparedAnswerPtr prepared(const protocol::Query& query);
  void ask(const protocol::Query& query, Answered answered);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats::http
