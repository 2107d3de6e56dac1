// How many files and sockets this process may have open at a time (RLIMIT_NOFILE).
#pragma once

#include <cstddef>

namespace paystats::base {

// Raises the soft limit to the hard one, and returns how many connections that leaves room for
// beside the descriptors that a tool needs for itself.
size_t raise_descriptor_limit();

}  // namespace paystats::base
