#include "record/field_options.h"

#include <string_view>
#include <utility>

namespace paystats::record {
namespace {

constexpr std::string_view kVolumeOption = "--volume-field";

struct Named {
  std::string_view option;
  const std::string& field;
};

base::Result<void> check_name(const Named& named) {
  if (named.field.empty() && named.option != kVolumeOption) {
    return base::fail(std::string(named.option) + ": must not be empty");
  }
  if (!named.field.starts_with('/')) return {};
  return base::fail(std::string(named.option) + " " + named.field +
                    ": names that begin with / are reserved");
}

base::Result<void> check_distinct(const Named& a, const Named& b) {
  if (a.field != b.field) return {};
  return base::fail(std::string(a.option) + " and " + std::string(b.option) +
                    " are the same field: " + a.field);
}

}  // namespace

base::Result<FieldNames> choose_fields(const FieldOptions& options) {
  FieldNames names;
  if (options.user) names.user = *options.user;
  if (options.amount) names.amount = *options.amount;
  if (options.volume) {
    names.volume = *options.volume;
  } else if (names.user != FieldNames().user || names.amount != FieldNames().amount) {
    names.foreign_volume = std::exchange(names.volume, {});
    // It is the field of something else, and that is told nowhere.
    if (names.foreign_volume == names.user || names.foreign_volume == names.amount) {
      names.foreign_volume.clear();
    }
  }
  const Named user{"--user-field", names.user};
  const Named amount{"--amount-field", names.amount};
  const Named volume{kVolumeOption, names.volume};
  for (const Named& named : {user, amount, volume}) {
    if (base::Result<void> right = check_name(named); !right) return base::fail(right.error());
  }
  base::Result<void> distinct = check_distinct(user, amount);
  if (distinct && !names.volume.empty()) distinct = check_distinct(user, volume);
  if (distinct && !names.volume.empty()) distinct = check_distinct(amount, volume);
  if (!distinct) return base::fail(distinct.error());
  return names;
}

}  // namespace paystats::record
