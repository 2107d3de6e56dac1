// What the user asks of payagg, and what that means: all impossible combinations end here, before
// anything is opened. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agg/publish.h"
#include "agg/totals.h"
#include "agg/trigger.h"
#include "base/clock.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "record/decoder.h"

namespace paystats {

// As the command line says it.
struct AggregateRequest {
  std::vector<std::string> inputs;
  std::string output = "-";
  std::optional<std::string> output_mode;
  std::optional<Duration> trigger;
  std::optional<uint64_t> max_records;
  bool follow = false;
  bool merge = false;
  std::optional<uint64_t> jobs;
  std::optional<uint64_t> users_max;
  std::optional<std::string> user_field;
  std::optional<std::string> amount_field;
  std::optional<std::string> rejects;
  std::optional<std::string> metrics;
};

struct AggregatePlan {
  std::vector<Endpoint> inputs;
  Endpoint output;
  OutputMode mode = OutputMode::kFinal;
  TriggerOptions trigger;
  bool follow = false;
  bool merge = false;
  std::optional<uint64_t> jobs;  // as asked for
  TotalsOptions totals;
  FieldNames names;
  std::optional<Endpoint> rejects;
  std::optional<std::string> metrics;
};

Result<AggregatePlan> make_plan(const AggregateRequest& request);

// "final", "update" or "complete"; "append" is refused with the reason.
Result<OutputMode> parse_output_mode(const std::string& word);

}  // namespace paystats
