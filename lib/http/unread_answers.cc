#include "http/unread_answers.h"

#include <algorithm>

namespace paystats::http {

UnreadAnswers::Hold UnreadAnswers::hold(Holder& holder, std::vector<api::SharedBytes> bodies,
                                        size_t own_bytes) {
  for (const api::SharedBytes& body : bodies) count(body);
  own_bytes_ += own_bytes;
  const auto place = blocked_.insert(blocked_.end(), {&holder, std::move(bodies), own_bytes});
  trim(1);
  return {*this, place};
}

void UnreadAnswers::Hold::progressed() {
  home_->blocked_.splice(home_->blocked_.end(), home_->blocked_, place_);
}

void UnreadAnswers::Hold::replace(const api::SharedBytes& before, const api::SharedBytes& now) {
  std::vector<api::SharedBytes>& bodies = place_->bodies;
  UnreadAnswers& home = *home_;
  home.count(now);
  if (const auto found = std::find(bodies.begin(), bodies.end(), before); found != bodies.end()) {
    home.uncount(before);
    *found = now;
  } else {
    bodies.push_back(now);
  }
  home.trim(1);  // it may be this one that gives way
}

void UnreadAnswers::Hold::end() {
  if (home_ == nullptr) return;
  UnreadAnswers& home = *std::exchange(home_, nullptr);
  for (const api::SharedBytes& body : place_->bodies) home.uncount(body);
  home.own_bytes_ -= place_->own_bytes;
  home.blocked_.erase(place_);
}

void UnreadAnswers::coming(size_t bytes) {
  coming_bytes_ = bytes;
  if (bytes > 0) trim(0);
}

// Those that share one body stay, unless another one comes.
void UnreadAnswers::trim(size_t clients_kept) {
  const bool comes = coming_bytes_ > 0;
  while (blocked_.size() > clients_kept) {
    const size_t excess_bytes = comes || uses_.size() > 1 ? body_bytes_ : 0;
    if (own_bytes_ + excess_bytes + coming_bytes_ <= bytes_max_) return;
    blocked_.front().holder->give_way();
  }
}

void UnreadAnswers::count(const api::SharedBytes& body) {
  if (body && ++uses_[body.get()] == 1) body_bytes_ += body->size();
}

void UnreadAnswers::uncount(const api::SharedBytes& body) {
  if (!body) return;
  const auto found = uses_.find(body.get());
  if (--found->second > 0) return;
  body_bytes_ -= body->size();
  uses_.erase(found);
}

}  // namespace paystats::http
