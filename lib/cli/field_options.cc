#include "cli/field_options.h"

namespace paystats::cli {

void declare_fields(CommandLine& line, record::FieldOptions& options) {
  line.text("--user-field", options.user, "NAME", "the field of the user (default user)");
  line.text("--amount-field", options.amount, "NAME",
            "the field of the amount (default paymentAmt)");
  line.text("--volume-field", options.volume, "NAME",
            "the field of the volume of a batch (default volume, unless one of the other two is "
            "named); '': there is none");
  line.allow_empty("--volume-field");
}

void declare_framing(CommandLine& line, bool& schema_registry_framing) {
  line.flag("--schema-registry-framing", schema_registry_framing,
            "of a topic, skip the 5 bytes that a schema registry puts in front of JSON");
}

}  // namespace paystats::cli
