// From records to JSON lines, appended to a buffer that the caller reuses. Output escapes the
// quote, the backslash and controls below U+0020 (as \u00xx), nothing else, so it is the same
// bytes on every path.
#pragma once

#include <string>
#include <string_view>

#include "record/payment.h"

namespace paystats::record {

// "text" with its quotes. REQUIRES: valid UTF-8.
void append_json_string(std::string& out, std::string_view text);
// The same of any bytes: what is not UTF-8 becomes U+FFFD.
void append_any_string(std::string& out, std::string_view text);

// {"user":"edgar","paymentAmt":1.0}\n  where amount_text is plain (see plain_decimal()).
void append_payment(std::string& out, std::string_view user, std::string_view amount_text);

// The one line of a request in a log: a payment, a batch, or a group of batches, with `time` (RFC
// 3339) and the key, where it has one:
//   {"user":"edgar","paymentAmt":1.0,"time":"2026-11-29T07:52:22.123Z"}\n
//   {"user":"edgar","paymentAmt":1.0,"volume":7,"time":"…","idempotencyKey":"…"}\n
//   {"time":"…","payments":[{"user":"edgar","paymentAmt":1.0},{"user":"ann","paymentAmt":2,"volume":3}]}\n
// REQUIRES: each amount_text is plain. No line over kLineBytesMax is for a log: a caller asks
// request_line_bytes() first, which is the size of that line without its newline.
void append_request(std::string& out, const Request& request, std::string_view time);
size_t request_line_bytes(const Request& request, std::string_view time);

// What append_request() writes behind the fields of a lone payment, for those who write many:
// ,"time":"2026-11-29T07:52:22.123Z"}\n
void append_payment_end(std::string& out, std::string_view time);

// {"user":"edgar","sum":7.00,"count":7}\n  with "partition" and "offset" where `at` is set.
void append_stats(std::string& out, const Stats& stats);

// The same into a buffer of one's own: writes the line at `out`, of which stats_bytes_max() bytes
// can be written, and returns the place behind it. For a caller with millions of them.
char* write_stats(const Stats& stats, char* out);
inline size_t stats_bytes_max(const Stats& stats) {
  constexpr size_t kEscapeBytes = 6;  // at most, for a byte
  return kEscapeBytes * stats.user.size() + 192;
}

// {"source":"-","line":17,"error":"…","record":"…"}\n  "recordBase64" in place of "record" where
// the bytes that are shown are not UTF-8 (a character cut by the limit is left off instead); with
// "bytes" and "truncated" where the record is longer than kRejectRecordBytesMax.
void append_reject(std::string& out, const Reject& reject);

}  // namespace paystats::record
