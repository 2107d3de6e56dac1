// Idempotency keys in the lines of a log (see paystats-log(5)): first quickly where keys may stand,
// for whole logs, and then exactly what one line says.
//
//   for_each_key(block, [&](std::string_view key, size_t line) { ... });   // line: its place
//   std::optional<KeyedRequest> request = read_keyed_request(line);        // what it pays
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "keys/digest.h"

namespace paystats::keys {

// Calls `on_key` for each key that a line of `block` may have, in their order, with the place in
// the block where that line begins. It misses none; what it finds may be no key of a request (a
// field of an object inside the line, or a line that is a reject): read_keyed_request() tells.
// REQUIRES: `block` holds whole lines. A key is passed on only where it is one that a request may
// have.
void for_each_key(std::string_view block,
                  const std::function<void(std::string_view key, size_t line)>& on_key);

// 1 to 255 printable ASCII characters.
inline constexpr size_t kKeyBytesMax = 255;
bool is_key(std::string_view text);

// A request that has a key, and what it pays.
struct KeyedRequest {
  Digest key;
  Digest payments;
  uint64_t count = 0;  // of payments
};
KeyedRequest keyed_request(const record::Request& request);

// What payagg counts for this line, with the line's key; nothing where it counts nothing, or where
// the line has no key. Of a field that stands there twice the first counts. A byte-order mark is
// skipped in front of the first line of a log alone.
std::optional<KeyedRequest> read_keyed_request(std::string_view line, bool begins_log = false);

}  // namespace paystats::keys
