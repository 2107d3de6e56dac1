// What Highway's library does when it is loaded, and need not do here.
//
// Before its release 1.3, libhwy measures the resolution of the processor's clock while it is being
// loaded, for a benchmark that we do not run: 3.5 ms, two fifths of the time that `payagg
// --version` took. A program's own definition of a function goes before a library's, so ours is
// asked instead.
#pragma once

#include <hwy/nanobenchmark.h>
