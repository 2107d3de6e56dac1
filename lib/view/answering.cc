#include "view/answering.h"

#include <cassert>
#include <utility>

namespace paystats::view {

Answering::Answering(View& view, protocol::Query query) : view_(view), query_(std::move(query)) {}

bool Answering::step(size_t rows) {
  if (answer_) return true;
  if (!search_) {
    answer_ = view_.answer_cache().find(view_.version(), query_);
    if (answer_) return true;
    begun_at_version_ = view_.version();
  }
  if (const auto* user = std::get_if<protocol::UserQuery>(&query_)) {
    answer_ = answer_user(*user);
  } else {
    const auto& page = std::get<protocol::PageQuery>(query_);
    if (page.prefix.empty()) {
      answer_ = answer_page(page);
    } else {
      if (!search_) begin_search(page);
      if (!search_->step(rows)) return false;
      answer_ = finish_search();
    }
  }
  // A search during which something changed is of no one version.
  if (begun_at_version_ == view_.version())
    view_.answer_cache().put(view_.version(), query_, answer_);
  return true;
}

const protocol::Answer& Answering::answer() const {
  assert(answer_ != nullptr);
  return answer_;
}

protocol::Answer Answering::answer_page(const protocol::PageQuery& page) {
  return std::make_shared<const std::string>(
      protocol::render_answer(view_.envelope(page.offset), view_.page(page.offset, page.limit)));
}

protocol::Answer Answering::answer_user(const protocol::UserQuery& query) {
  std::vector<protocol::RankedStats> rows;
  if (const std::optional<protocol::RankedStats> found = view_.find(query.user))
    rows.push_back(*found);
  const uint64_t offset = rows.empty() ? 0 : rows.front().rank - 1;
  return std::make_shared<const std::string>(protocol::render_answer(view_.envelope(offset), rows));
}

void Answering::begin_search(const protocol::PageQuery& page) {
  search_.emplace(view_.ledger(), view_.ranking(), view_.name_index(), page.prefix, page.offset,
                  page.limit);
  head_ = view_.envelope(page.offset);
  head_.matches = search_->matches();
}

protocol::Answer Answering::finish_search() const {
  return std::make_shared<const std::string>(protocol::render_answer(head_, search_->rows()));
}

protocol::Answer answer_now(View& view, const protocol::Query& query) {
  Answering answering(view, query);
  while (!answering.step()) {
  }
  return answering.answer();
}

}  // namespace paystats::view
