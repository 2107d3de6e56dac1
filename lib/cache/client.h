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

namespace paystats {

class CacheClient {
 public:
  static constexpr size_t kAnswerBytesMax = 16 << 20;
  static constexpr Duration kTimeout = std::chrono::seconds(10);  // to connect, and to send

  // An error says what can be done about it.
  static Result<CacheClient> connect(const std::string& path);

  Result<void> ask(const Query& query);

  // The next answer, without its newline; it may be an error of the cache (see parse_answer()).
  // Nothing: the cache has closed the connection between two answers. Fails with kInterrupted on a
  // stop signal, with kClosedOutput where the waiter's output has gone, and at the deadline.
  Result<std::optional<std::string>> next_answer(const Waiter& waiter, Instant deadline);

 private:
  CacheClient(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;
  std::string received_;
  size_t searched_ = 0;  // of received_, no newline up to here
};

}  // namespace paystats
