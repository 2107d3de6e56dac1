// What becomes of a bad record: it is put aside with its place and the reason, counted, and the
// stream goes on. Accepted + rejected = read, always.
//
//   RejectLog rejects(diagnostics, std::move(sink));   // or without: the first ten on stderr
//   rejects.add({.source = "-", .line = 17, .at = {}, .error = "...", .record = text,
//                .record_bytes = text.size()});
//   rejects.flush();     // when about to wait for input
//   rejects.finish();    // says how many there were, closes the sink
//   return rejects.status();
//
// An error of the sink is of kind kFailed even where its reader has gone: rejects that nobody took
// are lost, and that is never a quiet end. Thread-safe: any thread may add.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/diagnostics.h"
#include "base/exit_status.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/sink.h"
#include "record/payment.h"

namespace paystats::io {

class RejectLog {
 public:
  static constexpr uint64_t kShownMax = 10;  // on stderr, where there is no sink

  // Without a sink the first kShownMax are shown as `error: payments.jsonl:17: not JSON`. `name` is
  // what the last message calls the sink. `diagnostics` is borrowed.
  explicit RejectLog(base::Diagnostics& diagnostics, std::unique_ptr<Sink> sink = nullptr,
                     std::string name = {});

  // Opens `endpoint` for appending; without one, rejects are shown on stderr.
  static base::Result<std::unique_ptr<RejectLog>> open(const std::optional<Endpoint>& endpoint,
                                                       base::Diagnostics& diagnostics);

  base::Result<void> add(const record::Reject& reject);
  base::Result<void> flush();

  // The input is read once more, from its beginning: the first rejects to come are those that have
  // been added so far, and are neither told nor counted twice.
  void start_over();

  // What is not wrong with a record, but is to be known: a warning, once of each kind.
  enum class Notice : uint8_t { kForeignVolume, kBatchInTopic };
  void notice(Notice kind, const std::string& text);

  // Prints how many records were rejected, if any, and closes the sink. Call once, at the end.
  base::Result<void> finish();

  uint64_t count() const;
  base::ExitStatus status() const {
    return count() == 0 ? base::ExitStatus::kDone : base::ExitStatus::kRejected;
  }

 private:
  base::Diagnostics& diagnostics_;
  mutable base::Mutex mutex_;
  const std::unique_ptr<Sink> sink_ PAYSTATS_PT_GUARDED_BY(mutex_);
  const std::string name_;
  uint64_t count_ PAYSTATS_GUARDED_BY(mutex_) = 0;
  uint64_t repeats_ PAYSTATS_GUARDED_BY(mutex_) = 0;  // to come of those that have been told
  std::array<bool, 2> noticed_ PAYSTATS_GUARDED_BY(mutex_) = {};  // by kind
  std::string line_ PAYSTATS_GUARDED_BY(mutex_);                  // reused
};

// "payments.jsonl:17", or "payments: partition 0, offset 41".
std::string place_of(const record::Reject& reject);

}  // namespace paystats::io
