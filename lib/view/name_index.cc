#include "view/name_index.h"

namespace paystats::view {

Prefix::Prefix(std::string_view bytes)
    : bytes_(bytes), head_(record::UserName(bytes).head().ordered()) {
  for (size_t i = 0; i < sizeof head_; ++i)
    head_mask_ = head_mask_ << 8 | (i < bytes.size() ? 0xFFU : 0U);
}

int Prefix::compare(uint64_t head, std::string_view name) const {
  const uint64_t masked = head & head_mask_;
  if (masked != head_) return masked < head_ ? -1 : 1;
  // Equal as far as 8 bytes go, but a zero may be padding and a prefix longer than that.
  return name.substr(0, bytes_.size()).compare(bytes_);
}

NameRange find_range(const NameIndex& index, const Prefix& prefix) {
  const auto order = [&](const NameKey& key) {
    return prefix.compare(key.head, index.order().name(key));
  };
  return {index.count_before([&](const NameKey& key) { return order(key) < 0; }),
          index.count_before([&](const NameKey& key) { return order(key) <= 0; })};
}

}  // namespace paystats::view
