// The options that name the fields of payments and batches, for every tool that reads them, and
// what they mean together. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "record/flaw.h"

namespace paystats::record {

// As the command line says it: --user-field, --amount-field, --volume-field.
struct FieldOptions {
  std::optional<std::string> user;
  std::optional<std::string> amount;
  std::optional<std::string> volume;  // empty: there are no volumes

  bool given() const { return user || amount || volume; }
};

// Beside a user or an amount of another name, a field `volume` is foreign unless it is named, too:
// it is ignored, and told. The message of an error names the options that it is about.
base::Result<FieldNames> choose_fields(const FieldOptions& options);

}  // namespace paystats::record
