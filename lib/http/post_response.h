// What a client is told of its POST, or of its question about a key. Private to this room.
// Tested through http/server.h.
#pragma once

#include "api/http.h"
#include "http/posting.h"
#include "keys/key_answer.h"

namespace paystats::http {

// `keyed`: the request has a key, so an earlier one of it may have been taken. `keys` is the
// horizon of an answer that knows no such key.
api::HttpResponse post_response(const PostOutcome& outcome, bool keyed,
                                const keys::KeyFigures& keys);

}  // namespace paystats::http
