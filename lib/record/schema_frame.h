// The frame that a schema registry's JSON serializer puts in front of the value of a Kafka message:
// a zero byte, and the id of the schema in four bytes, the highest first. (Confluent's wire
// format.)
#pragma once

#include <cstddef>
#include <string_view>

namespace paystats::record {

inline constexpr size_t kSchemaFrameBytes = 5;

// What is behind the frame, or the whole value where there is none: no JSON text begins with a zero
// byte. The schema itself is not looked at.
inline std::string_view without_schema_frame(std::string_view value) {
  if (value.size() >= kSchemaFrameBytes && value[0] == '\0') value.remove_prefix(kSchemaFrameBytes);
  return value;
}

}  // namespace paystats::record
