// Rendered answers of one version, shared by all that ask the same (a hundred browsers that watch
// the first page). All are dropped when the version changes, or when they take too much memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "protocol/answer.h"
#include "protocol/query.h"

namespace paystats::view {

class AnswerCache {
 public:
  static constexpr size_t kAnswersMax = 256;
  static constexpr size_t kBytesMax = 16 << 20;

  // The answer to `query` at `version`, or null. A watch and a page of the same rows are the same.
  protocol::Answer find(uint64_t version, const protocol::Query& query);
  void put(uint64_t version, const protocol::Query& query, protocol::Answer answer);

 private:
  void forget_others(uint64_t version);

  uint64_t version_ = 0;
  size_t bytes_ = 0;
  std::unordered_map<std::string, protocol::Answer> answers_;
};

}  // namespace paystats::view
