#include "base/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace paystats::base {
namespace {

// What a tool has open besides connections: standard ones, input, log files, the loop's own, and
// files that bodies are sent from.
constexpr size_t kOtherDescriptors = 128;

}  // namespace

size_t raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto descriptors = static_cast<size_t>(limit.rlim_cur);
  return descriptors > 2 * kOtherDescriptors ? descriptors - kOtherDescriptors
                                             : std::max<size_t>(descriptors / 2, 1);
}

}  // namespace paystats::base
