// The description of the REST API that the server hands out, embedded from openapi.json by the
// build (see CMakeLists.txt).
#pragma once

#include <string_view>

namespace paystats::api {

extern const std::string_view kOpenApiJson;

}  // namespace paystats::api
