#include "api/key_response.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "api/problem.h"

namespace paystats::api {
namespace {

std::string_view kept_text(keys::KeyFigures::Kept kept) {
  switch (kept) {
    case keys::KeyFigures::Kept::kProcess:
      return "process";
    case keys::KeyFigures::Kept::kLog:
      return "log";
    case keys::KeyFigures::Kept::kTopic:
      return "topic";
    case keys::KeyFigures::Kept::kNot:
      break;
  }
  return "no";
}

// Where no payments have been taken for a key that is not known.
std::string_view where_unknown(const keys::KeyFigures& figures) {
  switch (figures.kept) {
    case keys::KeyFigures::Kept::kLog:
      return " in this log";  // they may lie in one that was renamed
    case keys::KeyFigures::Kept::kProcess:
      return " since the server was started";
    case keys::KeyFigures::Kept::kTopic:
    case keys::KeyFigures::Kept::kNot:
      break;
  }
  return "";
}

std::string horizon(const keys::KeyFigures& figures) {
  return fmt::format(R"("kept":"{}","instance":"{:016x}","complete":{},"memorySeconds":{})",
                     kept_text(figures.kept), figures.instance, figures.complete,
                     std::chrono::floor<std::chrono::seconds>(figures.memory).count());
}

}  // namespace

HttpResponse keys_response(const keys::KeyFigures& figures) {
  return text_response(
      200, "application/json",
      fmt::format("{{{},\"keys\":{},\"keysYoung\":{},\"keysMax\":{}}}\n", horizon(figures),
                  figures.keys, figures.keys_young, figures.keys_max));
}

HttpResponse key_unknown_response(const keys::KeyFigures& figures) {
  Problem problem;
  problem.type = ProblemType::kKeyUnknown;
  problem.detail = fmt::format("no payments have been taken for it{}{}", where_unknown(figures),
                               figures.complete ? "" : ", or too long ago");
  problem.members = fmt::format(R"(,"horizon":{{{}}})", horizon(figures));
  return problem_response(problem);
}

HttpResponse keys_not_kept_response(bool taking, bool needs_topics) {
  std::string detail;
  if (taking) {
    detail = "payments were not taken: sent again after a lost answer, they would be paid twice";
  }
  if (needs_topics) {
    if (taking) detail += "; ";
    detail +=
        "this server was started without a topic of requests and a topic of answers, which keys "
        "need (see --requests and --answers)";
  }
  return problem_response(ProblemType::kKeysNotKept, std::move(detail));
}

}  // namespace paystats::api
