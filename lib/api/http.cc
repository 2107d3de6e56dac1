#include "api/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>

namespace paystats::api {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

constexpr std::string_view kCommonFields =
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-cache\r\n";

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

size_t HttpRequest::count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(fields.begin(), fields.end(),
                    [&](const HttpField& field) { return equal_ignoring_case(field.name, name); }));
}

std::optional<std::string_view> HttpRequest::find(std::string_view name) const {
  for (const HttpField& field : fields) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
  }
}

void append_head(std::string& out, const HttpResponse& response,
                 const ConnectionFields& connection) {
  const auto into = std::back_inserter(out);
  fmt::format_to(into, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  out += response.fields;
  const bool has_length = !connection.stream && response.status != 204 && response.status != 304;
  if (has_length) {
    fmt::format_to(into, "Content-Length: {}\r\n", response.body ? response.body->size() : 0);
  }
  if (!connection.date.empty()) fmt::format_to(into, "Date: {}\r\n", connection.date);
  if (!connection.keep_alive || response.close || connection.stream) {
    out += "Connection: close\r\n";
  } else if (connection.say_keep_alive) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

std::string http_date(int64_t unix_seconds) {
  // Not strftime(3): names of days and months must not follow the locale.
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm time = {};
  if (::gmtime_r(&seconds, &time) == nullptr) return {};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[time.tm_wday], time.tm_mday,
                     kMonths[time.tm_mon], time.tm_year + 1900, time.tm_hour, time.tm_min,
                     time.tm_sec);
}

void append_common_fields(std::string& fields, std::string_view content_type) {
  fields += kCommonFields;
  if (content_type.empty()) return;
  fields += "Content-Type: ";
  fields += content_type;
  fields += "\r\n";
}

HttpResponse text_response(int status, std::string_view content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  append_common_fields(response.fields, content_type);
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  if (trim(if_none_match) == "*") return true;
  // An entity-tag holds no quote, so the list can be cut at its quotes.
  while (!if_none_match.empty()) {
    const size_t begin = if_none_match.find('"');
    if (begin == std::string_view::npos) return false;
    const size_t end = if_none_match.find('"', begin + 1);
    if (end == std::string_view::npos) return false;
    if (if_none_match.substr(begin, end - begin + 1) == etag) return true;
    if_none_match.remove_prefix(end + 1);
  }
  return false;
}

const char* flaw_of_raw_head(std::string_view head) {
  if (head.find('\0') != std::string_view::npos) return "a NUL byte in the header";
  size_t at = 0;
  while (at < head.size()) {
    if (at > 0 && (head[at] == ' ' || head[at] == '\t')) return "a folded header line";
    const size_t newline = head.find('\n', at);
    if (newline == std::string_view::npos) return "a header line that does not end";
    const size_t carriage_return = head.find('\r', at);
    if (carriage_return > newline) return "a line feed without a carriage return";
    if (carriage_return + 1 != newline) return "a carriage return without a line feed";
    at = newline + 1;
  }
  return nullptr;
}

}  // namespace paystats::api
