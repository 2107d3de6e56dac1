#include "keys/digest.h"

namespace paystats::keys {

Digest digest_of(std::string_view key) {
  return base::long_hash(key);
}

// Each batch is hashed together with the value of those before it, so no memory grows.
void PaymentsDigest::add(std::string_view user, money::Decimal amount, uint64_t volume) {
  struct Link {
    Digest before;
    Digest user;
    money::Uint128 nanos;
    uint64_t volume;
    uint64_t none;  // so that no byte is padding
  };
  static_assert(sizeof(Link) == 64);
  const Link link = {value_, digest_of(user), static_cast<money::Uint128>(amount.nanos()), volume,
                     0};
  value_ = base::long_hash({reinterpret_cast<const char*>(&link), sizeof link});
}

Digest digest_of(const record::Request& request) {
  PaymentsDigest digest;
  for (const record::Batch& batch : request.batches) {
    digest.add(batch.user, batch.amount, batch.volume);
  }
  return digest.value();
}

}  // namespace paystats::keys
