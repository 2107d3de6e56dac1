// An output that decides later, and maybe elsewhere, what becomes of a request with an idempotency
// key: a pair of topics (see requests/service.h). A request is handed over at once and answered
// when the decision is known; the caller tells requests apart by numbers of its own.
//
//   Result<void> started = keyed->start({.on_outcomes = ..., .on_broken = ...});
//   std::optional<KeyedOutcome> now = keyed->submit(17, request);     // else on_outcomes, once
//   std::optional<KeyedOutcome> known = keyed->ask(18, key);          // the same
//   keyed->stop();
//
// Once submit() has returned nothing the request has begun: it is paid once, or on_outcomes says
// that it is not (kNotTaken, kRefused) or that nobody knows yet (kUncertain; the same request,
// submitted again, is decided for certain).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "keys/key_answer.h"
#include "record/payment.h"

namespace paystats::io {

struct KeyedOutcome {
  enum class Kind {
    kPaid,        // `count` payments, by this request
    kRepeated,    // `count` payments, by an earlier request of the key with the same payments
    kReused,      // another request has been paid for the key; nothing of this one was
    kKeyUnknown,  // of a question: no request of this key has been taken
    kNoRoom,      // not taken: as many keys are remembered as there may be
    kNotTaken,    // not taken, and never will be: no broker took it in time
    kRefused,     // the same, since the output refuses what it would write
    kUncertain,   // taken or not: it may be paid, once, at any time
  };
  uint64_t id = 0;
  Kind kind = Kind::kUncertain;
  uint64_t count = 0;  // of payments
};

class KeyedRequests {
 public:
  struct Handlers {
    // All are called by other threads, and not after stop() has returned true.
    std::function<void(std::vector<KeyedOutcome>)> on_outcomes;
    // After an outcome was kNotTaken: a broker would take requests again.
    std::function<void()> on_takes_again = [] {};
    std::function<void(const base::Error&)> on_broken;  // there is no going on
  };

  virtual ~KeyedRequests() = default;

  virtual base::Result<void> start(Handlers handlers) = 0;

  // By one thread, without waiting. REQUIRES: the request has a key and is no larger than the
  // limits below.
  virtual std::optional<KeyedOutcome> submit(uint64_t id, const record::Request& request) = 0;
  // What became of a key: kPaid (`count`), or kKeyUnknown.
  virtual std::optional<KeyedOutcome> ask(uint64_t id, std::string_view key) = 0;

  // Limits of one request: payments, and bytes as one line (see record::request_line_bytes()).
  virtual uint64_t payments_max() const = 0;
  virtual size_t line_bytes_max() const = 0;

  virtual keys::KeyFigures figures() const = 0;  // of any thread

  // Ends the threads. False: one of them is stuck and is detached, and what it borrows must live as
  // long as the process, which is to be ended by std::_Exit().
  virtual bool stop() = 0;
};

}  // namespace paystats::io
