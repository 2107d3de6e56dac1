#include "view/answer_cache.h"

#include <fmt/format.h>

#include <utility>

namespace paystats {
namespace {

// Equal for queries that have the same answer at one version.
std::string key_of(const Query& query) {
  if (const auto* user = std::get_if<UserQuery>(&query)) return fmt::format("u{}", user->user);
  const auto& page = std::get<PageQuery>(query);
  return fmt::format("p{}:{}:{}", page.limit, page.offset, page.prefix);
}

}  // namespace

void AnswerCache::forget_others(uint64_t version) {
  if (version == version_) return;
  version_ = version;
  answers_.clear();
  bytes_ = 0;
}

Answer AnswerCache::find(uint64_t version, const Query& query) {
  forget_others(version);
  const auto found = answers_.find(key_of(query));
  return found == answers_.end() ? nullptr : found->second;
}

void AnswerCache::put(uint64_t version, const Query& query, Answer answer) {
  forget_others(version);
  if (answers_.size() >= kAnswersMax || bytes_ + answer->size() > kBytesMax) {
    answers_.clear();
    bytes_ = 0;
  }
  bytes_ += answer->size();
  answers_.insert_or_assign(key_of(query), std::move(answer));
}

}  // namespace paystats
