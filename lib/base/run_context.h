// What every run of a tool is given besides its options. All are borrowed and outlive it.
#pragma once

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/stop_signal.h"

namespace paystats::base {

struct RunContext {
  Diagnostics& diagnostics;
  StopSignal& stop;
  const Clock& clock;
  bool progress = false;  // whether a progress line is wanted
};

}  // namespace paystats::base
