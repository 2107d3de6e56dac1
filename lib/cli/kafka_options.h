// The options of every tool that may read or write a topic.
#pragma once

#include "cli/command_line.h"
#include "kafka/options.h"

namespace paystats {

void declare_kafka(CommandLine& line, KafkaOptions& options);

}  // namespace paystats
