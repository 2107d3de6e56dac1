// An io::KeyedRequests whose outcomes a test tells, from a thread of its own.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/keyed_requests.h"

namespace paystats::http {

class FakeKeyedRequests final : public io::KeyedRequests {
 public:
  using Kind = io::KeyedOutcome::Kind;

  struct Call {
    uint64_t id = 0;
    bool asks = false;
    std::string key;
    uint64_t payments = 0;
  };

  struct Control {
    std::mutex mutex;
    std::vector<Call> calls;
    std::optional<io::KeyedOutcome> at_once;  // of every call
    bool starts = true;
    bool stops = true;
    uint64_t payments_max = 100;
    size_t line_bytes_max = 1000;
    int stop_calls = 0;
    Handlers handlers;  // outlive the fake, as those of a thread that is stuck do

    size_t count() {
      const std::lock_guard lock(mutex);
      return calls.size();
    }
    // What became of a call, by its number from 0.
    void tell(size_t call, Kind kind, uint64_t payments = 0) {
      std::unique_lock lock(mutex);
      const uint64_t id = calls.at(call).id;
      const auto on_outcomes = handlers.on_outcomes;
      lock.unlock();
      on_outcomes({{.id = id, .kind = kind, .count = payments}});
    }
    void take_again() {
      std::unique_lock lock(mutex);
      const auto on_takes_again = handlers.on_takes_again;
      lock.unlock();
      on_takes_again();
    }
    void answer_at_once(std::optional<Kind> kind, uint64_t payments = 0) {
      const std::lock_guard lock(mutex);
      at_once.reset();
      if (kind) at_once = io::KeyedOutcome{.kind = *kind, .count = payments};
    }
  };

  explicit FakeKeyedRequests(std::shared_ptr<Control> control) : control_(std::move(control)) {}

  base::Result<void> start(Handlers handlers) override {
    const std::lock_guard lock(control_->mutex);
    if (!control_->starts) return base::fail("requests: no such topic");
    control_->handlers = std::move(handlers);
    return {};
  }
  std::optional<io::KeyedOutcome> submit(uint64_t id, const record::Request& request) override {
    uint64_t payments = 0;
    for (const record::Batch& batch : request.batches) payments += batch.volume;
    return call({id, false, std::string(request.idempotency_key), payments});
  }
  std::optional<io::KeyedOutcome> ask(uint64_t id, std::string_view key) override {
    return call({id, true, std::string(key), 0});
  }
  uint64_t payments_max() const override { return control_->payments_max; }
  size_t line_bytes_max() const override { return control_->line_bytes_max; }
  keys::KeyFigures figures() const override {
    return {.kept = keys::KeyFigures::Kept::kTopic, .keys = 5, .keys_max = 8};
  }
  bool stop() override {
    const std::lock_guard lock(control_->mutex);
    ++control_->stop_calls;
    return control_->stops;
  }

 private:
  std::optional<io::KeyedOutcome> call(Call call) {
    const std::lock_guard lock(control_->mutex);
    std::optional<io::KeyedOutcome> outcome = control_->at_once;
    if (outcome) outcome->id = call.id;
    control_->calls.push_back(std::move(call));
    return outcome;
  }

  const std::shared_ptr<Control> control_;
};

}  // namespace paystats::http
