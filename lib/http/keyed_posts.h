// From the event loop to an io::KeyedRequests, and back: what becomes of posts with an idempotency
// key, and of questions about one, is decided there, and is told by its threads. Private to this
// room; see http/payment_writer.h for what a caller can rely on.
//
//   KeyedPosts keyed(loop, std::move(requests),
//                    {.on_outcomes = ..., .on_takes_again = ..., .on_broken = ...});
//   Result<void> started = keyed.start();
//   std::optional<KeyedOutcome> now = keyed.submit(17, posted.request());   // else on_outcomes
//   bool ended = keyed.end();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/posting.h"
#include "io/keyed_requests.h"
#include "keys/key_answer.h"
#include "loop/event_loop.h"

namespace paystats::http {

class KeyedPosts {
 public:
  // All are called on the loop.
  struct Handlers {
    std::function<void(const std::vector<io::KeyedOutcome>&)> on_outcomes;
    std::function<void()> on_takes_again;
    std::function<void(const base::Error&)> on_broken;
  };

  // The loop is borrowed, and not used any more after end().
  KeyedPosts(loop::EventLoop& loop, std::unique_ptr<io::KeyedRequests> requests, Handlers handlers);
  KeyedPosts(const KeyedPosts&) = delete;
  KeyedPosts& operator=(const KeyedPosts&) = delete;
  ~KeyedPosts();  // end()

  base::Result<void> start();

  // As those of io::KeyedRequests. REQUIRES: start() has succeeded; not after end().
  std::optional<io::KeyedOutcome> submit(uint64_t id, const record::Request& request);
  std::optional<io::KeyedOutcome> ask(uint64_t id, std::string_view key);

  keys::KeyFigures figures() const;

  // As io::KeyedRequests::stop(). Also where it is false no handler is called any more.
  bool end();

 private:
  struct Shared;

  const std::unique_ptr<io::KeyedRequests> requests_;
  const std::shared_ptr<Shared> shared_;
  bool started_ = false;
  bool stuck_ = false;
};

// What a client is to be told. `asks`: of a question.
PostOutcome post_outcome(const io::KeyedOutcome& outcome, bool asks);

}  // namespace paystats::http
