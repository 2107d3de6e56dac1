#include "keys/digest.h"

#include <array>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace paystats::keys {
namespace {

Digest hash(const void* bytes, size_t size) {
  const XXH128_hash_t value = XXH3_128bits(bytes, size);
  return {value.low64, value.high64};
}

}  // namespace

Digest digest_of(std::string_view key) {
  return hash(key.data(), key.size());
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
  value_ = hash(&link, sizeof link);
}

Digest digest_of(const record::Request& request) {
  PaymentsDigest digest;
  for (const record::Batch& batch : request.batches) {
    digest.add(batch.user, batch.amount, batch.volume);
  }
  return digest.value();
}

}  // namespace paystats::keys
