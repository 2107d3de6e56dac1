#include "view/answer_cache.h"

#include <fmt/format.h>

#include <utility>

namespace paystats::view {
namespace {

// Equal for queries that have the same answer at one version.
std::string key_of(const protocol::Query& query) {
  if (const auto* user = std::get_if<protocol::UserQuery>(&query))
    return fmt::format("u{}", user->user);
  const auto& page = std::get<protocol::PageQuery>(query);
  return fmt::format("p{}:{}:{}", page.limit, page.offset, page.prefix);
}

}  // namespace

void AnswerCache::forget_others(uint64_t version) {
  if (version == version_) return;
  version_ = version;
  answers_.clear();
  bytes_ = 0;
}

protocol::Answer AnswerCache::find(uint64_t version, const protocol::Query& query) {
  forget_others(version);
  const auto found = answers_.find(key_of(query));
  return found == answers_.end() ? nullptr : found->second;
}

void AnswerCache::put(uint64_t version, const protocol::Query& query, protocol::Answer answer) {
  forget_others(version);
  if (answers_.size() >= kAnswersMax || bytes_ + answer->size() > kBytesMax) {
    answers_.clear();
    bytes_ = 0;
  }
  bytes_ += answer->size();
  answers_.insert_or_assign(key_of(query), std::move(answer));
}

}  // namespace paystats::view
