// The Idempotency-Key of a request: draft-ietf-httpapi-idempotency-key-header-07, whose value is a
// string of RFC 9651 ("8e03978e-40d5-43dd-bc93-6894a57f9324"); a bare value, without quotes, is
// taken as well.
#pragma once

#include <string>

#include "api/http.h"
#include "base/result.h"

namespace paystats::api {

// A key (see keys::is_key()), without the quotes; empty where the
// request has none. More than one is an error, as is any other value.
base::Result<std::string> idempotency_key(const HttpRequest& request);

}  // namespace paystats::api
