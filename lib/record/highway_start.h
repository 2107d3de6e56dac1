// Saves 3.5 ms at each start of a tool with libhwy before 1.3 (Debian 12 has 1.0.3).
//
// Those releases measure the resolution of the processor's clock while they are being loaded, for a
// benchmark that no tool runs: half of the time of `payagg --version`. A program's own definition
// of a function goes before a library's, so the one in highway_start.cc is called instead. From 1.3
// on nobody calls it.
#pragma once

#include <hwy/nanobenchmark.h>
