#include "cache/questions.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "cache/client.h"
#include "cache/stats_list.h"
#include "protocol/answer.h"

namespace paystats::cache {
namespace {

constexpr base::Duration kAnswerTimeout = std::chrono::seconds(10);
constexpr size_t kLinesAroundTable = 3;  // the totals, its heading, and where the cursor rests
constexpr size_t kScreenLinesDefault = 24;
constexpr std::string_view kToTop = "\x1b[H";
constexpr std::string_view kClearToLineEnd = "\x1b[K\n";
constexpr std::string_view kClearBelow = "\x1b[J";

std::vector<protocol::RankedStats> rows_of(const protocol::ParsedAnswer& answer) {
  std::vector<protocol::RankedStats> rows;
  rows.reserve(answer.rows.size());
  for (const protocol::ParsedAnswer::Row& row : answer.rows) {
    rows.push_back({.rank = row.rank, .user = row.user, .sum = row.sum, .count = row.count});
  }
  return rows;
}

size_t screen_lines(int fd) {
  winsize size = {};
  const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return known ? size.ws_row : kScreenLinesDefault;
}

// The whole screen, drawn over what was there, so that nothing flickers.
std::string screen(const protocol::ParsedAnswer& answer, size_t lines) {
  std::vector<protocol::RankedStats> rows = rows_of(answer);
  const size_t rows_max = lines > kLinesAroundTable ? lines - kLinesAroundTable : 1;
  rows.resize(std::min(rows.size(), rows_max));
  std::string out(kToTop);
  out += fmt::format("{} users, sum {}, count {}{}{}", answer.envelope.users, answer.envelope.sum,
                     answer.envelope.count,
                     answer.envelope.ready ? "" : " (the cache is still reading)", kClearToLineEnd);
  out += stats_table(rows, kClearToLineEnd);
  out += kClearBelow;
  return out;
}

base::Error named(const std::string& path, base::Error error) {
  if (error.kind == base::ErrorKind::kFailed) error.message = path + ": " + error.message;
  return error;
}

}  // namespace

base::Result<void> ask_cache(const CacheQuestion& question, const CacheDisplay& display,
                             const io::Waiter& waiter, base::Diagnostics& diagnostics) {
  base::Result<CacheClient> client = CacheClient::connect(question.path);
  if (!client) return base::fail(client.error());
  if (base::Result<void> asked = client->ask(question.query); !asked) return asked;
  const base::Instant deadline = waiter.clock().now() + kAnswerTimeout;
  const base::Result<std::optional<std::string>> line = client->next_answer(waiter, deadline);
  if (!line) return base::fail(line.error());
  if (!*line) return base::fail(question.path + ": the cache has gone");
  const base::Result<protocol::ParsedAnswer> answer = protocol::parse_answer(**line);
  if (!answer) return base::fail(named(question.path, answer.error()));

  const auto* one = std::get_if<protocol::UserQuery>(&question.query);
  if (one != nullptr && answer->rows.empty()) {
    return base::fail(
        fmt::format("{}: no stats of this user{}", one->user,
                    answer->envelope.ready ? "" : " yet: the cache is still reading"));
  }
  if (!answer->envelope.ready) diagnostics.note("the cache is still reading: more will come");
  const std::vector<protocol::RankedStats> rows = rows_of(*answer);
  return display.sink.write(display.terminal_fd >= 0 ? stats_table(rows) : stats_lines(rows));
}

base::Result<void> watch_cache(const CacheQuestion& question, const CacheDisplay& display,
                               const io::Waiter& waiter, base::Diagnostics& diagnostics) {
  base::Result<CacheClient> client = CacheClient::connect(question.path);
  if (!client) return base::fail(client.error());
  if (base::Result<void> asked = client->ask(question.query); !asked) return asked;
  base::Instant deadline = waiter.clock().now() + kAnswerTimeout;
  for (;;) {
    const base::Result<std::optional<std::string>> line = client->next_answer(waiter, deadline);
    if (!line) return base::fail(line.error());
    if (!*line && deadline != io::kForever)
      return base::fail(question.path + ": the cache has gone");
    if (!*line) {
      diagnostics.note(question.path + ": the cache has ended");
      return {};
    }
    deadline = io::kForever;  // the first has come; the next may take as long as it likes
    const base::Result<protocol::ParsedAnswer> answer = protocol::parse_answer(**line);
    if (!answer) return base::fail(named(question.path, answer.error()));
    base::Result<void> shown = display.sink.write(
        display.terminal_fd >= 0 ? screen(*answer, screen_lines(display.terminal_fd))
                                 : **line + "\n");
    if (shown) shown = display.sink.flush();
    if (!shown) return shown;
  }
}

}  // namespace paystats::cache
