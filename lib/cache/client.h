// A client of the cache's socket, for a program that has nothing else to do meanwhile.
//
//   Result<CacheClient> client = CacheClient::connect("stats.sock");
//   client->ask(PageQuery{.limit = 10});
//   Result<std::optional<std::string>> line = client->next_answer(waiter, deadline);
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "io/wait.h"
#include "protocol/query.h"

namespace paystats::cache {

class CacheClient {
 public:
  static constexpr size_t kAnswerBytesMax = 16 << 20;
  static constexpr base::Duration kTimeout = std::chrono::seconds(10);  // to connect, and to send

  // An error says what can be done about it.
  static base::Result<CacheClient> connect(const std::string& path);

  base::Result<void> ask(const protocol::Query& query);

  // The next answer, without its newline; it may be an error of the cache (see parse_answer()).
  // Nothing: the cache has closed the connection between two answers. Fails with kInterrupted on a
  // stop signal, with kClosedOutput where the waiter's output has gone, and at the deadline.
  base::Result<std::optional<std::string>> next_answer(const io::Waiter& waiter,
                                                       base::Instant deadline);

 private:
  CacheClient(base::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  base::UniqueFd fd_;
  std::string path_;
  std::string received_;
  size_t searched_ = 0;  // of received_, no newline up to here
};

}  // namespace paystats::cache
