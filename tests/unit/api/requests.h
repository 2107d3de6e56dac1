// Requests for the tests of this room, in one line each.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/http.h"
#include "api/router.h"

namespace paystats::api {

// A request as a browser on this machine sends it. The texts are literals.
inline HttpRequest request(std::string_view method, std::string_view target,
                           std::vector<HttpField> fields = {}) {
  HttpRequest made;
  made.method = method;
  made.target = target;
  made.fields = std::move(fields);
  if (made.count("Host") == 0) made.fields.insert(made.fields.begin(), {"Host", "localhost:8080"});
  made.local_host = "127.0.0.1";
  return made;
}

inline HttpRequest post(std::string_view length = "10", std::vector<HttpField> fields = {}) {
  fields.push_back({"Content-Type", "application/json"});
  fields.push_back({"Content-Length", length});
  return request("POST", "/api/payments", std::move(fields));
}

inline int status_of(const Action& action) {
  const auto* response = std::get_if<HttpResponse>(&action);
  return response != nullptr ? response->status : 0;  // 0: something is to be done first
}

inline std::string body_of(const HttpResponse& response) {
  return response.body ? *response.body : std::string();
}

inline bool has_field(const HttpResponse& response, const std::string& line) {
  return ("\r\n" + response.fields).find("\r\n" + line + "\r\n") != std::string::npos;
}

inline Router router(RouterOptions options = {}) {
  StaticFiles files;
  files.add("index.html", "<!doctype html>");
  files.add("css/page.css", "body{}");
  return Router(std::move(options), std::move(files));
}

}  // namespace paystats::api
