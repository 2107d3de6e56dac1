// The keys that a log has already: read backwards, newest first, by a thread of its own, so that a
// long log holds up nobody. Tested through log/payment_sink.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/threads.h"
#include "keys/key_table.h"

namespace paystats::log {

class PastKeys {
 public:
  // Of the first `size` bytes of a file, which are whole lines; at most `keys_max` of them.
  PastKeys(base::UniqueFd fd, uint64_t size, uint64_t keys_max, std::string name);
  PastKeys(const PastKeys&) = delete;
  PastKeys& operator=(const PastKeys&) = delete;
  ~PastKeys();  // gives up, and waits for the thread

  base::Result<void> start();
  bool done() const { return done_.load(std::memory_order_acquire); }

  // REQUIRES: done().
  base::Result<void> outcome() const { return outcome_; }
  std::vector<keys::KeyPlace> take() { return std::move(entries_); }
  bool complete() const { return complete_; }  // it has read to the beginning

 private:
  base::Result<void> read();

  const base::UniqueFd fd_;
  const uint64_t size_;
  const uint64_t keys_max_;
  const std::string name_;
  base::Thread thread_;
  std::atomic<bool> give_up_ = false;
  std::atomic<bool> done_ = false;
  base::Result<void> outcome_;
  std::vector<keys::KeyPlace> entries_;
  bool complete_ = false;
};

}  // namespace paystats::log
