#include "record/encoder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "record/decoder.h"

namespace paystats::record {
namespace {

using nlohmann::json;

std::string json_of(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string reject_line(const Reject& reject) {
  std::string out;
  append_reject(out, reject);
  EXPECT_EQ(out.back(), '\n');
  EXPECT_EQ(out.find('\n'), out.size() - 1);
  return out;
}

Reject reject_of(std::string_view record) {
  Reject reject;
  reject.source = "-";
  reject.line = 17;
  reject.error = "not valid JSON";
  reject.record = record;
  reject.record_bytes = record.size();
  return reject;
}

// RFC 4648, the slow way.
std::string from_base64(const std::string& text) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : text) {
    if (c == '=') continue;
    for (int bit = 5; bit >= 0; --bit) bits += (alphabet.find(c) >> bit) & 1U ? '1' : '0';
  }
  std::string bytes;
  for (size_t i = 0; i + 8 <= bits.size(); i += 8) {
    bytes += static_cast<char>(std::stoi(bits.substr(i, 8), nullptr, 2));
  }
  return bytes;
}

TEST(JsonString, EscapesTheQuoteTheBackslashAndControlsAndNothingElse) {
  EXPECT_EQ(json_of("edgar"), "\"edgar\"");
  EXPECT_EQ(json_of(""), "\"\"");
  EXPECT_EQ(json_of("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_of("\b\f\n\r\t\x1F"), R"("\u0008\u000c\u000a\u000d\u0009\u001f")");
  EXPECT_EQ(json_of(std::string("\0", 1)), R"("\u0000")");
  EXPECT_EQ(json_of("\x7F\xC2\x85\xE2\x80\xA8\xF0\x9F\x98\x80"),
            "\"\x7F\xC2\x85\xE2\x80\xA8\xF0\x9F\x98\x80\"");
}

// Words are written whole: an escape at any place of any length, and nothing behind the end.
TEST(JsonString, IsRightAtEveryPlaceOfEveryLength) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      const std::string before(at, '\x80');
      const std::string after(size - at - 1, '~');
      EXPECT_EQ(json_of(before + "x" + after), '"' + before + "x" + after + '"');
      EXPECT_EQ(json_of(before + '"' + after), '"' + before + "\\\"" + after + '"');
      EXPECT_EQ(json_of(before + '\0' + after), '"' + before + "\\u0000" + after + '"');
    }
  }
}

TEST(JsonString, IsRightWhereItIsLongerThanWhatIsMadeAtOnce) {
  std::string text;
  std::string want = "\"";
  for (int i = 0; i < 5'000; ++i) {
    text += i % 3 == 0 ? '\n' : 'n';
    want += i % 3 == 0 ? "\\u000a" : "n";
  }
  EXPECT_EQ(json_of(text), want + '"');
}

TEST(JsonString, IsAppendedToWhatIsThere) {
  std::string out = "[";
  append_json_string(out, "x");
  EXPECT_EQ(out, "[\"x\"");
}

TEST(PaymentLine, IsTheFormatByteForByte) {
  std::string out;
  append_payment(out, "edgar", "1.0");
  append_payment(out, "e\"d\n", "-0.50");
  EXPECT_EQ(out,
            "{\"user\":\"edgar\",\"paymentAmt\":1.0}\n"
            "{\"user\":\"e\\\"d\\u000a\",\"paymentAmt\":-0.50}\n");
}

TEST(StatsLine, IsTheFormatByteForByte) {
  std::string out;
  Stats stats;
  stats.user = "edgar";
  stats.sum = money::Decimal::from_nanos(7000000000);
  stats.count = 7;
  append_stats(out, stats);
  stats.at = SourceOffset{0, 41};
  append_stats(out, stats);
  EXPECT_EQ(out,
            "{\"user\":\"edgar\",\"sum\":7.00,\"count\":7}\n"
            "{\"user\":\"edgar\",\"sum\":7.00,\"count\":7,\"partition\":0,\"offset\":41}\n");
}

TEST(StatsLine, TheLongestFitsWhatIsSaidOfItsSize) {
  const std::string user(kUserBytesMax, '\x01');
  Stats stats;
  stats.user = user;
  stats.sum = money::Decimal::from_nanos(-static_cast<money::Int128>(~money::Uint128{0} >> 1U) - 1);
  stats.count = UINT64_MAX;
  stats.at = SourceOffset{INT32_MAX, INT64_MAX};
  const size_t most = stats_bytes_max(stats);
  std::string line(most + 8, '~');
  const char* const end = write_stats(stats, line.data());
  EXPECT_LE(static_cast<size_t>(end - line.data()), most);
  EXPECT_EQ(line.substr(most), std::string(8, '~'));
  std::string appended;
  append_stats(appended, stats);
  EXPECT_EQ(line.substr(0, static_cast<size_t>(end - line.data())), appended);
}

TEST(RejectLine, NamesThePlaceTheErrorAndTheRecord) {
  Reject reject = reject_of("{\"user\":");
  EXPECT_EQ(reject_line(reject),
            "{\"source\":\"-\",\"line\":17,\"error\":\"not valid JSON\","
            "\"record\":\"{\\\"user\\\":\"}\n");
  reject.source = "payments";
  reject.at = SourceOffset{3, 99};
  EXPECT_EQ(reject_line(reject),
            "{\"source\":\"payments\",\"partition\":3,\"offset\":99,\"error\":\"not valid JSON\","
            "\"record\":\"{\\\"user\\\":\"}\n");
}

TEST(RejectLine, HoldsBytesThatAreNotUtf8AsBase64) {
  EXPECT_NE(reject_line(reject_of("\xFF\xFE")).find(",\"recordBase64\":\"//4=\"}"),
            std::string::npos);
  for (size_t size = 1; size < 12; ++size) {
    std::string record;
    for (size_t i = 0; i < size; ++i) record += static_cast<char>(0xF8 + i * 37);
    const json line = json::parse(reject_line(reject_of(record)));
    EXPECT_FALSE(line.contains("record"));
    EXPECT_EQ(from_base64(line["recordBase64"]), record);
    EXPECT_EQ(line["recordBase64"].get<std::string>().size() % 4, 0);
  }
}

TEST(RejectLine, ShowsTheFirst64KibibytesOfALongRecord) {
  const std::string whole(kRejectRecordBytesMax, 'x');
  json line = json::parse(reject_line(reject_of(whole)));
  EXPECT_EQ(line["record"], whole);
  EXPECT_FALSE(line.contains("truncated"));
  EXPECT_FALSE(line.contains("bytes"));
  line = json::parse(reject_line(reject_of(whole + "yz")));
  EXPECT_EQ(line["record"], whole);
  EXPECT_EQ(line["truncated"], true);
  EXPECT_EQ(line["bytes"], kRejectRecordBytesMax + 2);
}

TEST(RejectLine, KnowsTheLengthOfARecordOfWhichItHasOnlyTheBeginning) {
  const std::string beginning(kRejectRecordBytesMax, 'x');
  Reject reject = reject_of(beginning);
  reject.record_bytes = 5000000000;
  const json line = json::parse(reject_line(reject));
  EXPECT_EQ(line["bytes"], 5000000000);
  EXPECT_EQ(line["truncated"], true);
}

TEST(RejectLine, LeavesOffACharacterThatTheLimitCuts) {
  for (const std::string character : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (size_t inside = 1; inside <= character.size(); ++inside) {
      const std::string before(kRejectRecordBytesMax - inside, 'x');
      const std::string record = before + character + "and more";
      const bool cut = inside < character.size();
      const std::string shown = cut ? before : before + character;
      EXPECT_EQ(json::parse(reject_line(reject_of(record)))["record"], shown);
      // And where no more than the beginning is at hand.
      Reject reject = reject_of(std::string_view(record).substr(0, kRejectRecordBytesMax));
      reject.record_bytes = record.size();
      EXPECT_EQ(json::parse(reject_line(reject))["record"], shown);
    }
  }
}

TEST(RejectLine, DoesNotTakeABadByteAtTheLimitForACutCharacter) {
  for (const char* bytes : {"\xFF", "\x80", "\xC3", "\xF8"}) {
    const std::string record = std::string(kRejectRecordBytesMax - 1, 'x') + bytes;
    EXPECT_TRUE(json::parse(reject_line(reject_of(record))).contains("recordBase64"));
  }
  const std::string truncated = "\xFF" + std::string(kRejectRecordBytesMax, 'x');
  const json line = json::parse(reject_line(reject_of(truncated)));
  EXPECT_EQ(from_base64(line["recordBase64"]), truncated.substr(0, kRejectRecordBytesMax));
  EXPECT_EQ(line["truncated"], true);
}

TEST(RejectLine, IsJsonEvenWhereTheNameOfTheSourceIsNotUtf8) {
  Reject reject = reject_of("x");
  reject.source = "caf\xE9.jsonl";
  EXPECT_EQ(json::parse(reject_line(reject))["source"], "caf\xEF\xBF\xBD.jsonl");
}

// Any text there is, biased to what is special.
std::string random_text(std::mt19937_64& random, size_t size) {
  static const std::string kPool[] = {"a",
                                      "edgar",
                                      "\"",
                                      "\\",
                                      "/",
                                      "\n",
                                      "\t",
                                      std::string("\0", 1),
                                      "\x1F",
                                      " ",
                                      "\x7F",
                                      "\xC3\xA9",
                                      "\xE2\x82\xAC",
                                      "\xF0\x9F\x98\x80",
                                      "\xEF\xBB\xBF",
                                      "\xE2\x80\xAE",
                                      "\\u0041",
                                      "\xED\x9F\xBF",
                                      "\xF4\x8F\xBF\xBF"};
  std::string text;
  while (text.size() < size) text += kPool[random() % std::size(kPool)];
  return text;
}

TEST(Encoder, WhatItWritesIsReadBackTheSameByUsAndByOthers) {
  std::mt19937_64 random(1);
  LineDecoder<Payment> payments(FieldNames{});
  LineDecoder<Stats> all_stats(FieldNames{});
  for (int i = 0; i < 20000; ++i) {
    const std::string user = random_text(random, 1 + random() % 40);
    const money::Int128 nanos = static_cast<money::Int128>(static_cast<int64_t>(random())) *
                                static_cast<int64_t>(1 + random() % 1000000);
    Stats stats;
    stats.user = user;
    stats.sum = money::Decimal::from_nanos(nanos);
    stats.count = random();
    if (random() % 2 == 0) {
      stats.at =
          SourceOffset{static_cast<int32_t>(random() >> 33U), static_cast<int64_t>(random() >> 1U)};
    }
    std::string line;
    append_stats(line, stats);
    EXPECT_EQ(json::parse(line)["user"], user);
    EXPECT_EQ(json::parse(line)["count"], stats.count);
    Stats read;
    ASSERT_EQ(all_stats.decode_one(line, read), Flaw::kNone) << line;
    EXPECT_EQ(read.user, user);
    EXPECT_EQ(read.sum, stats.sum);
    EXPECT_EQ(read.count, stats.count);
    EXPECT_EQ(read.at, stats.at);

    const money::Decimal amount =
        money::Decimal::from_nanos(nanos % (money::Int128{1000000000} * 1000000000000000));
    line.clear();
    append_payment(line, user, money::to_string(amount));
    EXPECT_EQ(json::parse(line)["user"], user);
    Payment payment;
    ASSERT_EQ(payments.decode_one(line, payment), Flaw::kNone) << line;
    EXPECT_EQ(payment.user, user);
    EXPECT_EQ(payment.sum, amount);
  }
}

TEST(Encoder, ARejectHoldsTheRecordWhateverItsBytes) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 5000; ++i) {
    std::string record = random_text(random, random() % 60);
    if (random() % 2 == 0)
      record.insert(random() % (record.size() + 1), 1, static_cast<char>(random()));
    const json line = json::parse(reject_line(reject_of(record)));
    EXPECT_EQ(line.contains("record") ? line["record"].get<std::string>()
                                      : from_base64(line["recordBase64"]),
              record);
  }
}

// ---- requests

constexpr std::string_view kTime = "2026-11-29T07:52:22.123Z";

std::string request_line(const Request& request) {
  std::string line;
  append_request(line, request, kTime);
  return line;
}

TEST(RequestLine, IsAPaymentABatchOrAGroup) {
  const Batch payment{"edgar", "1.0", {}, 1};
  const Batch batch{"ann", "2", {}, 7};
  EXPECT_EQ(request_line({.batches = {&payment, 1}}),
            "{\"user\":\"edgar\",\"paymentAmt\":1.0,\"time\":\"2026-11-29T07:52:22.123Z\"}\n");
  EXPECT_EQ(request_line({.batches = {&batch, 1}, .idempotency_key = "k\"1"}),
            "{\"user\":\"ann\",\"paymentAmt\":2,\"volume\":7,\"time\":\"2026-11-29T07:52:22.123Z\","
            "\"idempotencyKey\":\"k\\\"1\"}\n");
  const Batch both[] = {payment, batch};
  EXPECT_EQ(
      request_line({.batches = both, .idempotency_key = "k"}),
      "{\"time\":\"2026-11-29T07:52:22.123Z\",\"idempotencyKey\":\"k\",\"payments\":["
      "{\"user\":\"edgar\",\"paymentAmt\":1.0},{\"user\":\"ann\",\"paymentAmt\":2,\"volume\":7}]}"
      "\n");
}

TEST(RequestLine, IsWhatItSaysAndAsLongAsItSays) {
  std::mt19937 random(7);
  const std::string pieces[] = {"a", "\"", "\\", "\n", "\x01", "\x1F", "ä", "\xF0\x9F\x98\x80",
                                "/"};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> users(1 + random() % 4);
    std::vector<Batch> batches;
    for (std::string& user : users) {
      for (unsigned i = 0; i <= random() % 20; ++i) user += pieces[random() % std::size(pieces)];
      batches.push_back({user, "0.5", {}, 1 + random() % 2 * random()});
    }
    const std::string key = random() % 2 != 0 ? "key \"\\" + std::to_string(round) : "";
    const Request request{batches, key};
    const std::string line = request_line(request);
    EXPECT_EQ(request_line_bytes(request, kTime) + 1, line.size());
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const json read = json::parse(line);
    EXPECT_EQ(read["time"], kTime);
    EXPECT_EQ(read.value("idempotencyKey", ""), key);
    const json list = read.contains("payments") ? read["payments"] : json::array({read});
    ASSERT_EQ(list.size(), batches.size());
    for (size_t i = 0; i < batches.size(); ++i) {
      EXPECT_EQ(list[i]["user"], users[i]);
      EXPECT_EQ(list[i]["paymentAmt"], 0.5);
      EXPECT_EQ(list[i].value("volume", uint64_t{1}), batches[i].volume);
    }
  }
}

TEST(RequestLine, ThatOfALonePaymentEndsAsTheOthersDo) {
  const Batch payment{"edgar", "1.0", {}, 1};
  std::string line;
  append_payment(line, payment.user, payment.amount_text);
  line.resize(line.size() - 2);
  append_payment_end(line, kTime);
  EXPECT_EQ(line, request_line({.batches = {&payment, 1}}));
}

}  // namespace
}  // namespace paystats::record
