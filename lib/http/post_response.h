// What a client is told of its POST, or of its question about a key. Private to this room.
// Tested through http/server.h.
#pragma once

#include "api/http.h"
#include "http/posting.h"
#include "keys/key_answer.h"

namespace paystats::http {

// What the client wants: of payments with a key an earlier request may have been taken.
enum class Wanted { kPayments, kKeyedPayments, kAnswer };

// `keys` is the horizon of an answer that knows no such key.
api::HttpResponse post_response(const PostOutcome& outcome, Wanted wanted,
                                const keys::KeyFigures& keys);

}  // namespace paystats::http
