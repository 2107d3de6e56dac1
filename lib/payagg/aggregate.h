// payagg as a whole: opens both ends as the plan says, sums up, and makes sure that all of it
// arrived.
//
//   Result<RunOutcome> end = aggregate(plan, context);
#pragma once

#include "base/exit_status.h"
#include "base/result.h"
#include "base/run_context.h"
#include "payagg/plan.h"

namespace paystats::payagg {

// An output that nobody reads any more is no error where the input ends by itself. An error of kind
// kInterrupted: a stop signal came while an end was waited for, and nothing was begun.
base::Result<base::RunOutcome> aggregate(const AggregatePlan& plan,
                                         const base::RunContext& context);

}  // namespace paystats::payagg
