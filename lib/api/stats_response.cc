#include "api/stats_response.h"

#include <fmt/format.h>

#include <utility>

#include "api/problem.h"
#include "api/target.h"
#include "protocol/answer.h"

namespace paystats::api {

std::string etag_of(uint64_t instance, uint64_t version, const protocol::Query& query) {
  if (const auto* user = std::get_if<protocol::UserQuery>(&query)) {
    return fmt::format("\"{:016x}-{}-user-{}\"", instance, version, percent_encoded(user->user));
  }
  const auto& page = std::get<protocol::PageQuery>(query);
  return fmt::format("\"{:016x}-{}-{}-{}-{}\"", instance, version, page.limit, page.offset,
                     percent_encoded(page.prefix));
}

base::Result<PreparedAnswer> prepare_answer(std::string line, const protocol::Query& query) {
  const base::Result<protocol::AnswerHead> head = protocol::parse_answer_head(line);
  if (!head) return base::fail(head.error());
  PreparedAnswer answer;
  answer.totals.instance = head->envelope.instance;
  answer.totals.version = head->envelope.version;
  answer.totals.ready = head->envelope.ready;
  answer.empty = head->rows == 0;
  answer.etag = etag_of(answer.totals.instance, answer.totals.version, query);
  append_common_fields(answer.fields, "application/json");
  answer.fields += fmt::format("ETag: {}\r\n", answer.etag);
  answer.body = std::make_shared<const std::string>(std::move(line));
  return answer;
}

SharedEvent stats_event(const PreparedAnswer& answer) {
  constexpr std::string_view kEnd = "\n\n";
  const bool is_line = answer.body->ends_with('\n');
  return std::make_shared<const StreamEvent>(
      StreamEvent{fmt::format("event: stats\nid: {:016x}-{}\ndata: ", answer.totals.instance,
                              answer.totals.version),
                  answer.body, kEnd.substr(is_line ? 1 : 0)});
}

SharedEvent away_event() {
  return std::make_shared<const StreamEvent>(StreamEvent{"event: away\ndata: {}\n\n"});
}

SharedEvent comment_event() {
  return std::make_shared<const StreamEvent>(StreamEvent{": still here\n\n"});
}

HttpResponse stats_response(const PreparedAnswer& answer, const protocol::Query& query,
                            std::string_view if_none_match) {
  if (answer.empty && std::holds_alternative<protocol::UserQuery>(query)) {
    return problem_response(ProblemType::kNotFound, "no payments of this user");
  }
  HttpResponse response;
  response.fields = answer.fields;
  if (!if_none_match.empty() && etag_matches(if_none_match, answer.etag)) {
    response.status = 304;
  } else {
    response.body = answer.body;
  }
  return response;
}

HttpResponse stream_response() {
  HttpResponse response;
  append_common_fields(response.fields, "text/event-stream");
  response.fields += "X-Accel-Buffering: no\r\n";  // a proxy is to pass events on as they come
  response.close = true;
  return response;
}

}  // namespace paystats::api
