// Answers about idempotency keys: what became of one, and what they are worth here.
#pragma once

#include "api/http.h"
#include "keys/key_answer.h"

namespace paystats::api {

// GET /api/idempotency:
//   {"kept":"log","instance":"1f…","complete":true,"memorySeconds":86400,"keys":12,"keysMax":1000000}
// `kept` is "no", "process" (until the server ends) or "log"; `complete`: every key of this log is
// known. A key is known for at least `memorySeconds`, as long as `instance` is the same: that of
// another process, or of another file under the name of the log, may not know it.
HttpResponse keys_response(const keys::KeyFigures& figures);

// 404, with the same members as its horizon: a key that is not known was not used, or longer ago.
HttpResponse key_unknown_response(const keys::KeyFigures& figures);

}  // namespace paystats::api
