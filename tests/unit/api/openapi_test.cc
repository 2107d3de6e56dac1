// That the document says what the server does: every resource, every refusal, and that whatever it
// says can be sent is taken.
#include "api/openapi.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/idempotency_key.h"
#include "api/key_response.h"
#include "api/posted_payments.h"
#include "api/problem.h"
#include "api/target.h"
#include "requests.h"

namespace paystats::api {
namespace {

using nlohmann::json;

const json& document() {
  static const json kDocument = json::parse(kOpenApiJson);
  return kDocument;
}
const json& at(std::string_view pointer) {
  return document().at(json::json_pointer(std::string(pointer)));
}

TEST(OpenApi, SaysWhatTheServerDoes) {
  EXPECT_EQ(at("/openapi"), "3.1.0");
  size_t listed = 0;
  for (const auto& [path, methods] : at("/paths").items()) listed += methods.size();
  EXPECT_EQ(listed, routes().size());
  for (const RouteDescription& route : routes()) {
    const std::string path(route.path);
    const std::string method(route.methods);
    ASSERT_TRUE(at("/paths").contains(path)) << path;
    EXPECT_TRUE(at("/paths").at(path).contains(method)) << path;
    // And the router knows it: a wrong method is told which is right.
    std::string target = path;
    if (const size_t brace = target.find('{'); brace != std::string::npos) {
      target = target.substr(0, brace) + "edgar";
    }
    EXPECT_EQ(status_of(router().route(request("PUT", target))), 405) << path;
  }
}

TEST(OpenApi, ListsEveryWordForHowKeysAreKept) {
  const json& words = at("/components/schemas/Horizon/properties/kept/enum");
  using Kept = keys::KeyFigures::Kept;
  const std::vector<Kept> all = {Kept::kNot, Kept::kProcess, Kept::kLog, Kept::kTopic};
  ASSERT_EQ(words.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const auto horizon = json::parse(*keys_response({.kept = all[i]}).body);
    EXPECT_EQ(words[i], horizon["kept"]);
  }
}

TEST(OpenApi, ListsEveryTypeOfProblem) {
  const json& types = at("/components/schemas/Problem/properties/type/enum");
  for (size_t type = 0; type < kProblemTypes; ++type) {
    const std::string urn = problem_urn(static_cast<ProblemType>(type));
    EXPECT_NE(std::find(types.begin(), types.end(), urn), types.end()) << urn;
  }
  EXPECT_EQ(types.size(), kProblemTypes);
}

// A page of it may have any prefix that a proxy gives it, so the address is told by its own.
TEST(OpenApi, TheServerIsTheOneThatTheDocumentComesFrom) {
  ASSERT_EQ(at("/servers").size(), 1u);
  EXPECT_EQ(at("/servers/0/url"), "..") << "of /api/openapi.json";
}

TEST(OpenApi, EachOperationHasANameOfItsOwnAndTheRefusalsOfEveryRequest) {
  std::set<std::string> names;
  for (const auto& [path, methods] : at("/paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      EXPECT_TRUE(names.insert(operation.at("operationId")).second) << path;
      for (const char* status :
           {"200", "400", "403", "408", "411", "417", "421", "429", "431", "503"}) {
        EXPECT_TRUE(operation.at("responses").contains(status)) << path << ' ' << status;
      }
    }
  }
}

// "$ref" of the document, wherever it stands.
void each_reference(const json& node, const std::function<void(const std::string&)>& on_reference) {
  if (node.is_object() && node.contains("$ref")) on_reference(node.at("$ref"));
  if (!node.is_structured()) return;
  for (const auto& [name, child] : node.items()) each_reference(child, on_reference);
}

TEST(OpenApi, WhatIsReferredToIsThereAndWhatIsThereIsReferredTo) {
  std::set<std::string> used;
  each_reference(document(), [&](const std::string& reference) {
    ASSERT_TRUE(reference.starts_with("#/"));
    EXPECT_TRUE(document().contains(json::json_pointer(reference.substr(1)))) << reference;
    used.insert(reference);
  });
  for (const auto& [kind, all] : at("/components").items()) {
    for (const auto& [name, part] : all.items()) {
      EXPECT_TRUE(used.contains(fmt::format("#/components/{}/{}", kind, name))) << name;
    }
  }
}

// What a client of deploy/nginx gets, which the server itself never says.
TEST(OpenApi, TheAnswerOfAProxyThatIsAskedTooMuchIsDescribed) {
  const json& answer = at("/components/responses/TooMuch");
  EXPECT_TRUE(answer.at("headers").contains("Retry-After"));
  const json::json_pointer schema("/content/application~1problem+json/schema/$ref");
  EXPECT_EQ(answer.at(schema), "#/components/schemas/Problem");
}

TEST(OpenApi, EachTypeOfAResponseHasTheStatusThatItIsListedUnder) {
  for (const auto& [path, methods] : at("/paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      for (const auto& [status, response] : operation.at("responses").items()) {
        if (!response.contains("$ref")) continue;
        const json& part = at(response.at("$ref").get<std::string>().substr(1));
        const json::json_pointer types(
            "/content/application~1problem+json/schema/properties/type/enum");
        if (!part.contains(types)) continue;
        for (const std::string urn : part.at(types)) {
          bool known = false;
          for (size_t type = 0; type < kProblemTypes; ++type) {
            const auto problem = static_cast<ProblemType>(type);
            if (problem_urn(problem) != urn) continue;
            known = true;
            EXPECT_EQ(std::to_string(problem_response(problem, "").status), status) << urn;
          }
          EXPECT_TRUE(known) << urn;
        }
      }
    }
  }
}

// ---- what can be sent

bool is_taken(const std::string& body) {
  return std::holds_alternative<PostedPayments>(read_payments(body, PaymentRules()));
}
bool is_taken(const std::string& user, const std::string& amount, const std::string& volume) {
  return is_taken(
      fmt::format(R"({{"user":{},"paymentAmt":{},"volume":{}}})", user, amount, volume));
}
std::string as_json(const std::string& text) {
  return json(text).dump();
}

// Of what the document says of strings, as far as it does: one of several, or the only one.
bool is_allowed(const json& schema, const std::string& text) {
  if (schema.contains("$ref"))
    return is_allowed(at(schema["$ref"].get<std::string>().substr(1)), text);
  if (schema.contains("anyOf")) {
    return std::any_of(schema["anyOf"].begin(), schema["anyOf"].end(),
                       [&](const json& one) { return is_allowed(one, text); });
  }
  if (schema.at("type") != "string") return false;
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  if (schema.contains("minLength") && characters < schema["minLength"]) return false;
  if (schema.contains("maxLength") && characters > schema["maxLength"]) return false;
  if (!schema.contains("pattern")) return true;
  static std::map<std::string, std::regex> compiled;
  const std::string pattern = schema["pattern"];
  if (!compiled.contains(pattern)) compiled.emplace(pattern, std::regex(pattern));
  return std::regex_match(text, compiled.at(pattern));
}

class OpenApiSamples : public ::testing::Test {
 protected:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  // Of these characters, mostly the first ones.
  std::string text(std::string_view characters, size_t length_max) {
    std::string made;
    for (size_t length = below(length_max + 1); made.size() < length;) {
      made += characters[std::min(below(characters.size()), below(characters.size()))];
    }
    return made;
  }

  std::mt19937_64 random_{20261129};
};

TEST_F(OpenApiSamples, AnAmountIsTakenIfTheDocumentAllowsItOrElseWrittenInAnotherWay) {
  const json& schema = at("/components/schemas/Amount");
  size_t allowed = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string amount = text("0190.5-e+ E\n", below(4) == 0 ? 27 : 8);
    const bool may = is_allowed(schema, amount);
    allowed += may ? 1 : 0;
    const bool taken = is_taken("1", as_json(amount), "1");
    EXPECT_TRUE(taken || !may) << as_json(amount);
    if (!taken || may) continue;
    const size_t point = std::min(amount.find('.'), amount.size());
    const bool other_way = amount.find_first_of("eE") != amount.npos || amount.size() - point > 10;
    EXPECT_TRUE(other_way) << as_json(amount);
  }
  EXPECT_GT(allowed, 1000u);
}

TEST_F(OpenApiSamples, SoIsAVolume) {
  const json& schema = at("/components/schemas/Batch/properties/volume");
  size_t allowed = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string volume = text("012345 .-+e", 7);
    const bool may = is_allowed(schema, volume);
    allowed += may ? 1 : 0;
    const bool taken = is_taken("1", "1", as_json(volume));
    EXPECT_TRUE(taken || !may) << as_json(volume);
    if (taken && !may) {
      EXPECT_EQ(volume.front(), '0') << as_json(volume);
    }
  }
  EXPECT_GT(allowed, 1000u);
  EXPECT_TRUE(is_allowed(schema, "100000"));
  EXPECT_FALSE(is_allowed(schema, "100001") || is_taken("1", "1", "100001"));
  EXPECT_FALSE(is_allowed(schema, "") || is_taken("1", "1", R"("")"));
}

TEST_F(OpenApiSamples, SoIsAUserByCharactersAndByBytes) {
  const json& schema = at("/components/schemas/User");
  for (const std::string character :
       {"x", "\\", "\x7F", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (const size_t length : {0, 1, 255, 256, 257, 341, 342, 512, 1023, 1024, 1025}) {
      std::string user;
      for (size_t i = 0; i < length; ++i) user += character;
      const bool may = is_allowed(schema, user);
      const bool taken = is_taken(as_json(user), "1", "1");
      EXPECT_TRUE(taken || !may) << as_json(character) << " x " << length;
      // It cannot say how many bytes there are.
      if (taken && !may) {
        EXPECT_TRUE(character.size() > 1 && length > 256) << character << length;
      }
    }
  }
  EXPECT_TRUE(is_taken(R"("\u0000")", "1", "1"));
}

TEST_F(OpenApiSamples, ANameToLookForIsTakenByCharactersAndByBytes) {
  const json& prefix = at("/components/parameters/q/schema");
  const json& user = at("/paths/~1api~1stats~1{user}/get/parameters/0/schema");
  for (const std::string character : {"x", "%C3%A9", "%E2%82%AC", "%F0%9F%98%80"}) {
    for (const size_t length : {1, 256, 257, 341, 342, 512, 1024, 1025}) {
      std::string encoded;
      for (size_t i = 0; i < length; ++i) encoded += character;
      const std::string text = parse_target("/" + encoded).value().segments[0];
      const bool finds = status_of(router().route(request("GET", "/api/stats?q=" + encoded))) == 0;
      const bool asks = status_of(router().route(request("GET", "/api/stats/" + encoded))) == 0;
      EXPECT_TRUE(finds || !is_allowed(prefix, text)) << character << length;
      EXPECT_TRUE(asks || !is_allowed(user, text)) << character << length;
      EXPECT_EQ(finds, text.size() <= 1024) << character << length;
      EXPECT_EQ(asks, finds) << character << length;
    }
  }
}

TEST_F(OpenApiSamples, NumbersAreTakenUpToTheirLimits) {
  for (const char* part : {"Amount/anyOf/0", "User/anyOf/2", "Batch/properties/volume/anyOf/0"}) {
    const json& schema = at(fmt::format("/components/schemas/{}", part));
    ASSERT_EQ(schema.at("type"), "integer");
    for (const char* limit : {"minimum", "maximum"}) {
      const std::string number = schema.at(limit).dump();
      const std::string name(part);
      EXPECT_TRUE(is_taken(name[0] == 'U' ? number : "1", name[0] == 'A' ? number : "1",
                           name[0] == 'B' ? number : "1"))
          << part << ' ' << limit;
    }
  }
}

TEST(OpenApi, ThePlaceOfAPageHasTheLimitsThatItSays) {
  for (const char* name : {"limit", "offset"}) {
    const json& schema = at(fmt::format("/components/parameters/{}/schema", name));
    const int64_t least = schema.at("minimum");
    const int64_t most = schema.at("maximum");
    for (const auto& [number, taken] :
         {std::pair{least - 1, false}, {least, true}, {most, true}, {most + 1, false}}) {
      const std::string target = fmt::format("/api/stats?{}={}", name, number);
      EXPECT_EQ(status_of(router().route(request("GET", target))), taken ? 0 : 400) << target;
    }
  }
}

TEST_F(OpenApiSamples, AnIdempotencyKeyIsTakenIfAndOnlyIfTheDocumentAllowsIt) {
  const json& schema = at("/components/parameters/idempotencyKey/schema");
  size_t allowed = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string value = text("\"\\a ~!\x7F\t\x01\xC3", 6);
    if (below(2) == 0) value = fmt::format("\"{}\"", value);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.erase(0, 1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
    const bool may = is_allowed(schema, value);
    allowed += may ? 1 : 0;
    const auto key = idempotency_key(post("10", {{"Idempotency-Key", value}}));
    EXPECT_EQ(may, key.has_value() && !key->empty()) << value;
  }
  EXPECT_GT(allowed, 1000u);
  for (const size_t length : {255, 256}) {
    const std::string key(length, 'k');
    EXPECT_EQ(is_allowed(schema, key), length == 255);
    EXPECT_EQ(is_allowed(schema, fmt::format("\"{}\"", key)), length == 255);
    EXPECT_EQ(is_allowed(at("/paths/~1api~1payments~1{key}/get/parameters/0/schema"), key),
              length == 255);
  }
}

TEST_F(OpenApiSamples, AnArrayOfAsManyOfTheLargestBatchesAsItAllowsIsTaken) {
  const json& array =
      at("/paths/~1api~1payments/post/requestBody/content/application~1json/schema/oneOf/1");
  const json& volume = at("/components/schemas/BatchOfMany/properties/volume/anyOf/0/maximum");
  json body = json::array();
  for (uint64_t i = 0; i < array.at("maxItems"); ++i) {
    body.push_back({{"user", "x"}, {"paymentAmt", 1}, {"volume", volume}});
  }
  EXPECT_TRUE(is_taken(body.dump()));
  EXPECT_TRUE(is_taken("[]"));
}

TEST_F(OpenApiSamples, ItsExamplesAreTaken) {
  for (const char* name : {"Batch", "BatchOfMany"}) {
    for (const json& example : at(fmt::format("/components/schemas/{}/examples", name))) {
      EXPECT_TRUE(is_taken(example.dump())) << example;
    }
  }
}

}  // namespace
}  // namespace paystats::api
