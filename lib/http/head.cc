#include "http/head.h"

#include <algorithm>
#include <utility>

#include "loop/asio.h"

// After Asio has been configured:
#include <boost/beast/http/basic_parser.hpp>

namespace paystats::http {
namespace {

namespace beast = boost::beast;
namespace beast_http = boost::beast::http;

std::string_view as_view(beast::string_view text) {
  return {text.data(), text.size()};
}

// Takes notes of where things stand in the buffer, and copies nothing.
class HeadParser final : public beast_http::basic_parser<true> {
 public:
  explicit HeadParser(api::HttpRequest& request) : request_(request) {
    header_limit(kHeadBytesMax);
    body_limit(boost::none);  // that is the business of the room api
    eager(false);
  }

 private:
  void on_request_impl(beast_http::verb, beast::string_view method, beast::string_view target,
                       int version, loop::ErrorCode&) override {
    request_.is_http_1_0 = version == 10;
    request_.method = as_view(method);
    request_.target = as_view(target);
  }
  void on_field_impl(beast_http::field, beast::string_view name, beast::string_view value,
                     loop::ErrorCode&) override {
    request_.fields.push_back({as_view(name), as_view(value)});
  }
  void on_response_impl(int, beast::string_view, int, loop::ErrorCode&) override {}
  void on_header_impl(loop::ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, loop::ErrorCode&) override {}
  size_t on_body_impl(beast::string_view body, loop::ErrorCode&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, loop::ErrorCode&) override {}
  size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, loop::ErrorCode&) override {
    return body.size();
  }
  void on_finish_impl(loop::ErrorCode&) override {}

  api::HttpRequest& request_;
};

}  // namespace

HeadStatus parse_head(std::string_view buffer, size_t& scanned, HttpHead& head) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const size_t end = buffer.find(kEnd, scanned);
  if (end == std::string_view::npos) {
    scanned = buffer.size() < kEnd.size() ? 0 : buffer.size() - kEnd.size() + 1;
    // An end of another kind would be waited for until the time is over.
    const size_t checked = std::min(buffer.size(), buffer.rfind('\n') + 1);
    const char* const flaw = api::flaw_of_raw_head(buffer.substr(0, checked));
    if (flaw != nullptr) {
      head.flaw = flaw;
      return HeadStatus::kMalformed;
    }
    return buffer.size() >= kHeadBytesMax ? HeadStatus::kTooLarge : HeadStatus::kIncomplete;
  }
  head.bytes = end + kEnd.size();
  if (head.bytes > kHeadBytesMax) return HeadStatus::kTooLarge;
  const std::string_view bytes = buffer.substr(0, head.bytes);
  if (const char* const flaw = api::flaw_of_raw_head(bytes); flaw != nullptr) {
    head.flaw = flaw;
    return HeadStatus::kMalformed;
  }
  head.request.fields.clear();
  HeadParser parser(head.request);
  loop::ErrorCode error;
  parser.put(loop::asio::buffer(bytes.data(), bytes.size()), error);
  if (!error && !parser.is_header_done())
    error = beast_http::make_error_code(beast_http::error::partial_message);
  if (error) {
    head.flaw = "not a request: " + error.message();
    return HeadStatus::kMalformed;
  }
  head.keep_alive = parser.keep_alive();
  return HeadStatus::kComplete;
}

}  // namespace paystats::http
