// What paygen is asked to make: the options as they were given, and the plan that they amount to.
// All that cannot go together ends here, before anything is opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "gen/amount_text.h"
#include "gen/random_payments.h"
#include "record/field_options.h"

namespace paystats::gen {

// Options that were not given are not set.
struct GenOptions {
  std::optional<std::string> user;
  std::optional<std::string> amount;  // A, or LO:HI
  std::optional<uint64_t> volume;
  std::optional<uint64_t> random;
  std::optional<uint64_t> users;
  std::optional<std::string> skew;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> rate;
  std::optional<base::Duration> duration;
  bool allow_negative = false;
  record::FieldOptions fields{};  // of batch lines
  std::optional<std::string> idempotency_prefix;
};

// A seeded workload; without `payments` it has no end.
struct RandomPlan {
  RandomSpec spec;
  std::optional<uint64_t> payments;
};

// The same payment again and again; without `payments` it has no end.
struct SinglePlan {
  std::string user;
  GivenAmount amount;
  std::optional<uint64_t> payments;
};

// Batch lines from INPUT.
struct LinesPlan {
  bool allow_negative = false;
  record::FieldNames fields{};
};

struct Plan {
  std::variant<LinesPlan, SinglePlan, RandomPlan> work;
  std::optional<uint64_t> rate;            // payments per second
  std::optional<base::Duration> duration;  // at most
  // Not empty: batch N has the idempotency key PREFIX-N, and is made once. N counts from 1: the
  // lines of the input, or the payments of a random workload.
  std::string idempotency_prefix;
};

// The message of an error names the options that it is about.
base::Result<Plan> make_plan(const GenOptions& options, bool has_inputs);

}  // namespace paystats::gen
