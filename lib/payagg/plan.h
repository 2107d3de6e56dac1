// What the user asks of payagg, and what that means: all impossible combinations end here, before
// anything is opened. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/message_source.h"
#include "kafka/options.h"
#include "record/field_options.h"
#include "stream/publish.h"
#include "stream/trigger.h"
#include "topics/options.h"
#include "totals/totals.h"

namespace paystats::payagg {

// As the command line says it.
struct PayaggOptions {
  std::vector<std::string> inputs;
  std::string output = "-";
  std::optional<std::string> output_mode;
  std::optional<base::Duration> trigger;
  std::optional<uint64_t> max_records;
  bool follow = false;
  bool merge = false;
  std::optional<uint64_t> jobs;
  std::optional<uint64_t> users_max;
  record::FieldOptions fields;
  bool schema_registry_framing = false;
  std::optional<std::string> rejects;
  std::optional<std::string> metrics;
  kafka::KafkaOptions kafka;
  bool available_now = false;
  bool ready_line = false;
  std::optional<std::string> group;
  std::optional<std::string> instance;
  std::optional<std::string> guarantee;
  std::optional<std::string> on_data_loss;
};

struct AggregatePlan {
  std::vector<io::Endpoint> inputs;
  io::Endpoint output;
  stream::OutputMode mode = stream::OutputMode::kFinal;
  stream::TriggerOptions trigger;
  bool follow = false;
  bool merge = false;
  bool ready_line = false;
  std::optional<uint64_t> jobs;  // as asked for
  totals::TotalsOptions totals;
  record::FieldNames fields;
  io::Framing framing = io::Framing::kNone;
  std::optional<io::Endpoint> rejects;
  std::optional<std::string> metrics;
  kafka::KafkaOptions kafka;
  bool available_now = false;  // of a topic what is there now
  // From topic to topic:
  std::string group;
  std::optional<std::string> instance;
  topics::Guarantee guarantee = topics::Guarantee::kExactlyOnce;
  topics::OnDataLoss on_data_loss = topics::OnDataLoss::kStop;

  bool reads_topic() const { return inputs.front().kind == io::Endpoint::Kind::kTopic; }
  bool writes_topic() const { return output.kind == io::Endpoint::Kind::kTopic; }
};

base::Result<AggregatePlan> make_plan(const PayaggOptions& options);

// "final", "update" or "complete"; "append" is refused with the reason.
base::Result<stream::OutputMode> parse_output_mode(const std::string& word);

}  // namespace paystats::payagg
