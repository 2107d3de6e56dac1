// What the command line asks of paystats-cache, and whether the options are consistent: to answer
// on a socket, to print a list, or to ask a cache that runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/options.h"

namespace paystats::cache {

struct CacheOptions {
  std::vector<std::string> inputs;
  std::vector<std::string> run;  // a command whose output is the input; none where empty
  std::optional<std::string> socket;
  bool hold = false;
  bool ready_line = false;
  std::optional<uint64_t> top;
  std::optional<std::string> connect;
  std::optional<std::string> user;
  bool watch = false;
  std::optional<std::string> output;
  std::optional<uint64_t> users_max;
  std::optional<std::string> rejects;
  std::optional<std::string> metrics;
  kafka::KafkaOptions kafka;
};

// Refuses what excludes each other, and a file for two things, before anything is opened.
base::Result<void> check_options(const CacheOptions& options);

}  // namespace paystats::cache
