// 128 bits in place of what may be long: a key, or all that a request pays. Two that are equal are
// taken for the same. XXH3-128 without a seed, so the values mean the same in every process.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "money/decimal.h"
#include "record/payment.h"

namespace paystats::keys {

using Digest = base::LongHash;

Digest digest_of(std::string_view key);

// What a request pays and to whom: users, amounts as numbers and volumes, in their order. White
// space, the spelling of a number, and whether one batch stood in an array make no difference.
class PaymentsDigest {
 public:
  void add(std::string_view user, money::Decimal amount, uint64_t volume);
  Digest value() const { return value_; }

 private:
  Digest value_;
};

Digest digest_of(const record::Request& request);

}  // namespace paystats::keys
