#include "gen/plan.h"

#include <fmt/format.h>

#include <utility>

#include "base/utf8.h"
#include "keys/keyed_lines.h"
#include "record/payment.h"

namespace paystats::gen {
namespace {

constexpr const char* kNotPositive = "--amount: must be more than 0 (--allow-negative lifts that)";

base::Error about(std::string_view option, const base::Error& error) {
  return {fmt::format("{}: {}", option, error.message), error.kind};
}

// Options that need another one, or exclude it.
base::Result<void> check_combination(const GenOptions& options, bool has_inputs) {
  const bool random = options.random.has_value();
  const bool single = options.user.has_value();
  if (random && single) return base::fail("--random and --user exclude each other");
  if (random && options.volume) return base::fail("--random and --volume exclude each other");
  if (random && has_inputs) return base::fail("--random reads no INPUT");
  if (single && has_inputs) return base::fail("--user reads no INPUT");
  if (single && !options.amount) return base::fail("--user needs --amount");
  if (options.amount && !single && !random) return base::fail("--amount needs --user or --random");
  if (options.volume && !single) return base::fail("--volume needs --user and --amount");
  if (options.fields.given() && (single || random)) {
    return base::fail(
        "--user-field, --amount-field and --volume-field are of batch lines, which --user and "
        "--random do not read");
  }
  if (options.users && !random) return base::fail("--users needs --random");
  if (options.skew && !random) return base::fail("--skew needs --random");
  if (options.seed && !random) return base::fail("--seed needs --random");
  if (options.volume == 0) return base::fail("--volume: must be at least 1");
  if (options.rate == 0) return base::fail("--rate: must be at least 1");
  if (options.duration && options.duration->count() <= 0) {
    return base::fail("--duration: must be more than 0");
  }
  return {};
}

base::Result<RandomPlan> plan_random(const GenOptions& options) {
  RandomPlan plan;
  // 0 stands for a workload without end.
  if (*options.random != 0) plan.payments = options.random;
  if (options.users) {
    if (*options.users < 1 || *options.users > kUsersMax) {
      return base::fail(fmt::format("--users: must be from 1 to {}", kUsersMax));
    }
    plan.spec.users = static_cast<uint32_t>(*options.users);
  }
  if (options.skew) {
    const base::Result<uint32_t> skew = parse_skew(*options.skew);
    if (!skew) return base::fail(about("--skew", skew.error()));
    plan.spec.skew_thousandths = *skew;
  }
  if (options.amount) {
    const base::Result<AmountRange> amount = AmountRange::parse(*options.amount);
    if (!amount) return base::fail(about("--amount", amount.error()));
    if (amount->low <= 0 && !options.allow_negative) return base::fail(kNotPositive);
    plan.spec.amount = *amount;
  }
  plan.spec.seed = options.seed.value_or(plan.spec.seed);
  return plan;
}

base::Result<SinglePlan> plan_single(const GenOptions& options) {
  SinglePlan plan;
  plan.user = *options.user;
  if (plan.user.empty()) return base::fail("--user: must not be empty");
  if (plan.user.size() > record::kUserBytesMax) {
    return base::fail(fmt::format("--user: longer than {} bytes", record::kUserBytesMax));
  }
  if (!base::is_valid_utf8(plan.user)) return base::fail("--user: not valid UTF-8");
  if (options.amount->find(':') != std::string::npos) {
    return base::fail("--amount: a range LO:HI needs --random");
  }
  base::Result<GivenAmount> amount = GivenAmount::parse(*options.amount);
  if (!amount) return base::fail(about("--amount", amount.error()));
  if (!amount->value.is_positive() && !options.allow_negative) return base::fail(kNotPositive);
  plan.amount = std::move(*amount);
  plan.payments = options.volume;
  money::Decimal sum;
  if (!sum.add_times(plan.amount.value, options.volume.value_or(1))) {
    return base::fail(
        "--volume: the sum of so many payments does not fit, so nobody could count it");
  }
  // With a duration alone the payment repeats until that has passed.
  if (!options.volume && !options.duration) plan.payments = 1;
  return plan;
}

// Each batch must have the number that it will have when the job runs again.
base::Result<void> check_prefix(const GenOptions& options) {
  if (!options.idempotency_prefix) return {};
  constexpr size_t kNumberBytesMax = std::string_view("-18446744073709551615").size();
  const std::string& prefix = *options.idempotency_prefix;
  if (!keys::is_key(prefix) || prefix.size() + kNumberBytesMax > keys::kKeyBytesMax) {
    return base::fail(fmt::format("--idempotency-prefix: not 1 to {} printable ASCII characters",
                                  keys::kKeyBytesMax - kNumberBytesMax));
  }
  if (options.rate) return base::fail("--idempotency-prefix cannot be combined with --rate");
  if (options.random == 0) {
    return base::fail("--idempotency-prefix needs a workload that has an end, not --random 0");
  }
  if (options.duration)
    return base::fail("--idempotency-prefix cannot be combined with --duration");
  return {};
}

}  // namespace

base::Result<Plan> make_plan(const GenOptions& options, bool has_inputs) {
  if (base::Result<void> checked = check_combination(options, has_inputs); !checked) {
    return base::fail(checked.error());
  }
  Plan plan;
  if (base::Result<void> checked = check_prefix(options); !checked) {
    return base::fail(checked.error());
  }
  plan.idempotency_prefix = options.idempotency_prefix.value_or("");
  plan.rate = options.rate;
  plan.duration = options.duration;
  if (options.random) {
    const base::Result<RandomPlan> random = plan_random(options);
    if (!random) return base::fail(random.error());
    plan.work = *random;
  } else if (options.user) {
    const base::Result<SinglePlan> single = plan_single(options);
    if (!single) return base::fail(single.error());
    plan.work = *single;
  } else {
    base::Result<record::FieldNames> fields = record::choose_fields(options.fields);
    if (!fields) return base::fail(fields.error());
    plan.work = LinesPlan{.allow_negative = options.allow_negative, .fields = std::move(*fields)};
  }
  return plan;
}

}  // namespace paystats::gen
