#include "http/request_body.h"

#include <algorithm>
#include <utility>

namespace paystats::http {

bool BodyBudget::make_room(const RequestBody& body, size_t held, size_t wanted, base::Instant now) {
  while (bytes_ - held + wanted > bytes_max_) {
    const bool alone = bytes_ == held;
    if (alone) return true;
    RequestBody& quiet = *holding_.front();
    if (&quiet == &body || now - quiet.last_ < quiet_timeout_) return false;
    quiet.holder_.give_way();
    quiet.clear();
  }
  return true;
}

bool RequestBody::append(std::string_view more, base::Instant now) {
  const size_t needed = bytes_.size() + more.size();
  if (bytes_.empty() || needed >= size_then_ + kStepBytes) {
    last_ = now;
    size_then_ = needed;
    if (place_) budget_.holding_.splice(budget_.holding_.end(), budget_.holding_, *place_);
  }
  if (needed > bytes_.capacity()) {
    const size_t doubled = std::max(2 * bytes_.capacity(), kFreeBytes);
    const size_t capacity = std::max(needed, std::min(doubled, expected_));
    const size_t counted = is_large_ || capacity > kFreeBytes ? capacity : 0;
    if (counted > 0 && !budget_.make_room(*this, counted_, counted, now)) return false;
    bytes_.reserve(capacity);
    budget_.bytes_ += counted - counted_;
    counted_ = counted;
    if (counted > 0 && !place_) {
      place_ = budget_.holding_.insert(budget_.holding_.end(), this);
    }
  }
  bytes_.append(more);
  return true;
}

void RequestBody::clear() {
  std::string().swap(bytes_);
  expected_ = SIZE_MAX;
  is_large_ = false;
  if (!place_) return;
  budget_.bytes_ -= std::exchange(counted_, 0);
  budget_.holding_.erase(*place_);
  place_.reset();
}

}  // namespace paystats::http
