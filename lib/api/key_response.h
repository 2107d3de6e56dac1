// Answers about idempotency keys: what became of one, and what they are worth here.
#pragma once

#include "api/http.h"
#include "keys/key_answer.h"

namespace paystats::api {

// GET /api/idempotency:
//   {"kept":"log","instance":"1f…","complete":true,"memorySeconds":86400,
//    "keys":12,"keysYoung":7,"keysMax":1000000}
// `kept` is "no", "process" (until the server ends), "log", or "topic" (the topic of answers);
// `complete`: every key of this log, or of this topic, is known. A key is known for at least
// `memorySeconds`, as long as `instance` is the same: that of another process, or of another log or
// topic under the same name, may not know it. Where `keysYoung` reaches `keysMax` no new one is
// taken.
HttpResponse keys_response(const keys::KeyFigures& figures);

// 404, with the same members as its horizon: a key that is not known was not used, or longer ago.
HttpResponse key_unknown_response(const keys::KeyFigures& figures);

// 501. `taking`: of a POST, else of a question. `needs_topics`: the output is a topic, which has
// keys where there is a topic of requests and one of answers as well.
HttpResponse keys_not_kept_response(bool taking, bool needs_topics);

}  // namespace paystats::api
