// The options of every tool that may read or write a topic.
#pragma once

#include "cli/command_line.h"
#include "kafka/options.h"

namespace paystats::cli {

void declare_kafka(CommandLine& line, kafka::KafkaOptions& options);

}  // namespace paystats::cli
