// Which librdkafka this was built with, and which one it runs with: the two can differ.
#pragma once

#include <string>

namespace paystats::kafka {

std::string librdkafka_version_at_build();  // "2.0.2"
std::string librdkafka_version_at_run();

}  // namespace paystats::kafka
