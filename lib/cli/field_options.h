// The options of every tool that reads payments or batches.
#pragma once

#include "cli/command_line.h"
#include "record/field_options.h"

namespace paystats::cli {

void declare_fields(CommandLine& line, record::FieldOptions& options);
void declare_framing(CommandLine& line, bool& schema_registry_framing);

}  // namespace paystats::cli
