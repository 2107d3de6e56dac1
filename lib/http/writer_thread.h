// The thread that writes what is posted, and the queue in front of it. Private to this room; see
// http/payment_writer.h for what a caller can rely on. Tested through http/payment_writer.h.
//
// The thread waits for its turn first (the lock of a log, room in a pipe), and only then takes from
// the queue: what is still in there has not begun, and can be taken back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/posted_payments.h"
#include "base/result.h"
#include "base/threads.h"
#include "http/posting.h"
#include "io/payment_sink.h"
#include "loop/event_loop.h"

namespace paystats::http {

struct WriteItem {
  uint64_t id = 0;
  api::PostedPayments payments;
  std::string asked_key = {};  // without payments: what became of this key
  uint64_t bytes = 0;          // that the sink writes for it
  // The client's socket, open as long as this is in the queue; -1: none is looked at.
  int client_fd = -1;
  std::chrono::steady_clock::time_point since{};

  bool asks() const { return payments.empty(); }
  const std::string& key() const { return asks() ? asked_key : payments.idempotency_key(); }
};

class WriterThread {
 public:
  struct Report {
    struct Item {
      uint64_t id = 0;
      PostOutcome outcome;
    };
    std::vector<Item> items;
    bool wrote = false;          // the sink was asked to, or has said that it would again
    base::Result<void> written;  // what it said
    bool usable = true;          // the sink can be asked again
  };
  // Both are called on the loop, the second one last.
  struct Handlers {
    std::function<void(const Report&)> on_report;
    std::function<void(const base::Result<void>& closed)> on_end;
  };

  WriterThread(loop::EventLoop& loop, std::unique_ptr<io::PaymentSink> sink,
               uint64_t group_bytes_max, Handlers handlers);
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;
  ~WriterThread();

  base::Result<void> start();

  // False: it is stopping, and `items` are as they were.
  bool push(std::vector<WriteItem>& items);
  // Those of `ids` (sorted) that have not begun, which they never will.
  std::vector<uint64_t> take_back(const std::vector<uint64_t>& ids);

  // Writes what waits, and closes the sink.
  void stop();
  // As PaymentWriter::end().
  bool end();

  bool request_is_line() const;
  bool keeps_keys() const;
  keys::KeyFigures key_figures() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  base::Thread thread_;
  bool detached_ = false;
};

}  // namespace paystats::http
