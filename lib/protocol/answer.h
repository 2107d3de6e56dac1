// An answer on the cache's socket: one JSON object a line, and the body of the REST API as well.
//
//   {"instance":"00c0ffee00c0ffee","version":812,"ready":true,"offset":0,"users":1234,
//    "sum":"8638.50","count":4321,"stats":[{"rank":1,"user":"edgar","sum":"7.00","count":7}]}
//
// (without the line break). `users`, `sum` and `count` are of all users; with q, "matches":N in
// front of "stats" says how many of them begin with it. `rank` is always the one among all users.
// For one user `offset` is its rank - 1, and "stats" is empty where there is no such user. Sums are
// strings, since browsers parse numbers as doubles. Both directions of the format are here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "money/decimal.h"
#include "record/payment.h"

namespace paystats::protocol {

// The bytes of an answer with its newline, shared by all that are sent the same.
using Answer = std::shared_ptr<const std::string>;

// One user with its place among all, from 1. The name points into its holder.
struct RankedStats {
  uint64_t rank = 0;
  std::string_view user;
  money::Decimal sum;
  uint64_t count = 0;
};

// All of an answer but its rows.
struct Envelope {
  uint64_t instance = 0;
  uint64_t version = 0;
  bool ready = false;
  uint64_t offset = 0;
  uint64_t users = 0;
  std::string sum;    // of all users, as decimal text: see WideSum, it may pass 128 bits
  std::string count;  // likewise
  std::optional<uint64_t> matches;
};

std::string render_answer(const Envelope& envelope, const std::vector<RankedStats>& rows);

// {"error":"…"} with its newline. `message` may hold any bytes: what is not UTF-8 is replaced.
std::string error_answer(std::string_view message);

// An answer as a client reads it.
struct ParsedAnswer {
  Envelope envelope;
  struct Row {
    uint64_t rank = 0;
    std::string user;
    money::Decimal sum;
    uint64_t count = 0;
  };
  std::vector<Row> rows;
};

// `line` with or without its newline. An {"error":"…"} becomes that error; anything else that is
// not an answer as above is an error too. Further fields are ignored: a newer cache may have them.
base::Result<ParsedAnswer> parse_answer(std::string_view line);

// An answer without its rows: they are counted.
struct AnswerHead {
  Envelope envelope;
  size_t rows = 0;
};

// The same, as strict with the rows, for a caller that passes the line on: builds none of them.
base::Result<AnswerHead> parse_answer_head(std::string_view line);

}  // namespace paystats::protocol
