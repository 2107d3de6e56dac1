// A run of paygen from its plan to its end: opens every place before the first payment is made,
// makes the payments, and leaves each output with proof that it arrived.
//
//   Result<JobOutcome> outcome = run_job(plan, places, kafka, context);
//
// The expected totals are written whatever happens to the payments, of those that the output has
// taken. An output whose reader has gone is no error: nobody wants more.
#pragma once

#include "base/exit_status.h"
#include "base/result.h"
#include "base/run_context.h"
#include "gen/places.h"
#include "gen/plan.h"
#include "kafka/options.h"

namespace paystats::gen {

struct JobOutcome {
  base::ExitStatus status = base::ExitStatus::kDone;
  bool interrupted = false;  // a stop signal came before all was made
};

base::Result<JobOutcome> run_job(const Plan& plan, const Places& places,
                                 const kafka::KafkaOptions& kafka, const base::RunContext& context);

}  // namespace paystats::gen
