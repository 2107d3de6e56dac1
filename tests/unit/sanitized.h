// Whether this program is built with a sanitizer.
#pragma once

#include <cstddef>

namespace paystats {

// Sanitizers make a program several times slower: fewer users then, the same tests.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif
inline constexpr size_t kSizeFactor = kSanitized ? 20 : 1;

}  // namespace paystats
