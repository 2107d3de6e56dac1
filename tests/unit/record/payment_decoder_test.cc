// What a payment may look like, rule by rule.
#include <gtest/gtest.h>

#include "record/decoder.h"
#include "unit/record/decode_support.h"

namespace paystats::record {
namespace {

Decoded payment(const std::string& text, const FieldNames& names = {}) {
  return decode<Payment>(text, names);
}

Decoded accepted(const std::string& user, int64_t nanos) {
  return {Flaw::kNone, user, money::Decimal::from_nanos(nanos), "", 1, {}};
}

Flaw flaw_of(const std::string& text) {
  return payment(text).flaw;
}

// A payment of user x with `field` in place of its amount.
Flaw amount_flaw(const std::string& value) {
  return flaw_of(R"({"user":"x","paymentAmt":)" + value + "}");
}

std::string nested(int depth, const std::string& open, const std::string& close) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += open;
  text += "0";
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(Payment, IsAUserAndAnAmount) {
  EXPECT_EQ(payment(R"({"user":"edgar","paymentAmt":1.0})"), accepted("edgar", 1000000000));
}

TEST(Payment, FieldsStandInAnyOrderAmongOthersThatAreIgnored) {
  EXPECT_EQ(payment(R"({"paymentAmt":12.50,"user":"edgar"})"), accepted("edgar", 12500000000));
  EXPECT_EQ(payment(R"({"a":1,"user":"edgar","b":"x","paymentAmt":2,"c":null,"d":true,"e":-1e99})"),
            accepted("edgar", 2000000000));
  EXPECT_EQ(payment(R"({"a":{"user":"no","user":"no"},"user":"e","paymentAmt":2,"b":[[],{}]})"),
            accepted("e", 2000000000));
}

TEST(Payment, WhiteSpaceStandsWhereverJsonAllowsIt) {
  EXPECT_EQ(payment(R"( { "user" : "e" , "paymentAmt" : 2 } )"), accepted("e", 2000000000));
  EXPECT_EQ(payment("\t{\t\"user\"\t:\t\"e\"\t,\t\"paymentAmt\"\t:\t2\t}\t\r"),
            accepted("e", 2000000000));
  EXPECT_EQ(payment("\n{\n\"user\"\n:\r\n\"e\"\n,\n\"paymentAmt\"\n:\n2\n}\n"),
            accepted("e", 2000000000));
  EXPECT_EQ(flaw_of("{\"user\":\"e\",\"paymentAmt\":2}\v"), Flaw::kNotJson);
  EXPECT_EQ(flaw_of("{\"user\":\"e\",\"paymentAmt\":2}\f"), Flaw::kNotJson);
  EXPECT_EQ(flaw_of("{\"user\":\"e\",\xC2\xA0\"paymentAmt\":2}"), Flaw::kNotJson);
}

TEST(Payment, AUserIsDecodedFromItsEscapes) {
  EXPECT_EQ(payment(R"({"user":"\u0065\"\\\/\b\f\n\r\t","paymentAmt":1})"),
            accepted("e\"\\/\b\f\n\r\t", 1000000000));
  EXPECT_EQ(payment(R"({"user":"\u00e9\u20ac\ud83d\ude00\uD83D\uDE00","paymentAmt":1})"),
            accepted("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 1000000000));
  EXPECT_EQ(payment(R"({"user":"a\u0000b","paymentAmt":1})"),
            accepted(std::string("a\0b", 3), 1000000000));
}

TEST(Payment, AUserMayBeAnyUtf8) {
  for (const char* user : {"J\xC3\xBCrgen", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBB\xBF",
                           "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\x7F", "\xC2\x80", " "}) {
    EXPECT_EQ(payment(R"({"user":")" + std::string(user) + R"(","paymentAmt":1})"),
              accepted(user, 1000000000));
  }
}

TEST(Payment, AUserIsThereOnceAndIsAString) {
  EXPECT_EQ(flaw_of(R"({"paymentAmt":1})"), Flaw::kUserMissing);
  EXPECT_EQ(flaw_of(R"({"User":"x","paymentAmt":1})"), Flaw::kUserMissing);
  EXPECT_EQ(flaw_of(R"({"a":{"user":"x"},"paymentAmt":1})"), Flaw::kUserMissing);
  EXPECT_EQ(flaw_of(R"({"user":"x","user":"x","paymentAmt":1})"), Flaw::kUserDuplicate);
  EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"\u0075ser":"x"})"), Flaw::kUserDuplicate);
  EXPECT_EQ(flaw_of(R"({"user":null,"user":"x","paymentAmt":1})"), Flaw::kUserDuplicate);
  for (const char* value : {"1.0", "1e3", "-0", "null", "true", "[]", "{}", "[\"x\"]"}) {
    EXPECT_EQ(flaw_of(R"({"user":)" + std::string(value) + R"(,"paymentAmt":1})"),
              Flaw::kUserNotAString);
  }
}

TEST(Payment, AUserHasOneTo1024BytesOnceDecoded) {
  const auto with_user = [](const std::string& user) {
    return payment(R"({"user":")" + user + R"(","paymentAmt":1})");
  };
  EXPECT_EQ(with_user("").flaw, Flaw::kUserEmpty);
  EXPECT_EQ(with_user(std::string(1024, 'x')), accepted(std::string(1024, 'x'), 1000000000));
  EXPECT_EQ(with_user(std::string(1025, 'x')).flaw, Flaw::kUserTooLong);
  std::string escaped;
  for (int i = 0; i < 1024; ++i) escaped += "\\u0078";
  EXPECT_EQ(with_user(escaped), accepted(std::string(1024, 'x'), 1000000000));
  EXPECT_EQ(with_user(escaped + "x").flaw, Flaw::kUserTooLong);
  EXPECT_EQ(with_user(escaped + "\\n").flaw, Flaw::kUserTooLong);
  std::string three_bytes_each;
  for (int i = 0; i < 341; ++i) three_bytes_each += "\\u20ac";
  EXPECT_EQ(with_user(three_bytes_each + "x").flaw, Flaw::kNone);
  EXPECT_EQ(with_user(three_bytes_each + "xx").flaw, Flaw::kUserTooLong);
}

TEST(Payment, FieldNamesMayBeEscaped) {
  EXPECT_EQ(payment(R"({"\u0075s\u0065r":"e","payment\u0041mt":1})"), accepted("e", 1000000000));
  EXPECT_EQ(flaw_of(R"({"us\\er":"e","paymentAmt":1})"), Flaw::kUserMissing);
  EXPECT_EQ(
      payment(R"({"user":"e","\u0070\u0061\u0079\u006d\u0065\u006e\u0074\u0041\u006d\u0074":1})"),
      accepted("e", 1000000000));
}

TEST(Payment, AnAmountIsThereOnce) {
  EXPECT_EQ(flaw_of(R"({"user":"x"})"), Flaw::kAmountMissing);
  EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"paymentAmt":1})"), Flaw::kAmountDuplicate);
  EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"payment\u0041mt":1})"), Flaw::kAmountDuplicate);
}

TEST(Payment, AnAmountIsANumberOrAStringThatHoldsExactlyOne) {
  EXPECT_EQ(payment(R"({"user":"x","paymentAmt":"1.5"})"), accepted("x", 1500000000));
  EXPECT_EQ(payment(R"({"user":"x","paymentAmt":"1\u002e5"})"), accepted("x", 1500000000));
  EXPECT_EQ(payment(R"({"user":"x","paymentAmt":"-15\u0065-1"})"), accepted("x", -1500000000));
  EXPECT_EQ(payment(R"({"user":"x","paymentAmt":-0})"), accepted("x", 0));
  for (const char* value : {"\"\"", "\" 1\"", "\"1 \"", "\"1\\n\"", "\"+1\"", "\"01\"", "\"1,5\"",
                            "\"NaN\"", "\"one\"", "\"1 2\"", "\"\\\"1\\\"\"", "\"1\\u0000\"",
                            "null", "true", "false", "[1]", "{}", "{\"paymentAmt\":1}"}) {
    EXPECT_EQ(amount_flaw(value), Flaw::kAmountNotANumber) << value;
  }
}

TEST(Payment, ANumberIsTheGrammarsOwn) {
  for (const char* value :
       {"NaN", "Infinity", "-Infinity", "+1",       "01",    "-01",   "1.",    ".5",
        "1e",  "1e+",      "0x1",       "1_0",      "-",     "--1",   "1.5.2", "1e5e5",
        "00",  "1a",       "",          "tru",      "nul",   "truee", "'1'",   "1 2",
        "1\"", "1]",       "1:",        "\xD9\xA1", "1\x01", "1.5f"}) {
    EXPECT_EQ(amount_flaw(value), Flaw::kNotJson) << value;
  }
}

TEST(Payment, AnAmountHasFifteenDigitsBeforeAndNineAfterThePoint) {
  EXPECT_EQ(amount_flaw("999999999999999.999999999"), Flaw::kNone);
  EXPECT_EQ(amount_flaw("1000000000000000"), Flaw::kAmountTooLarge);
  EXPECT_EQ(amount_flaw("\"1e15\""), Flaw::kAmountTooLarge);
  EXPECT_EQ(amount_flaw("1e999999999"), Flaw::kAmountTooLarge);
  EXPECT_EQ(amount_flaw("0.0000000001"), Flaw::kAmountTooFine);
  EXPECT_EQ(amount_flaw("1e-999999999"), Flaw::kAmountTooFine);
  EXPECT_EQ(amount_flaw("1." + std::string(30, '0')), Flaw::kNone);
  EXPECT_EQ(amount_flaw("0e999999999"), Flaw::kNone);
}

TEST(Payment, AVolumeIsAPositiveInteger) {
  const auto with_volume = [](const std::string& value) {
    return flaw_of(R"({"user":"x","paymentAmt":1,"volume":)" + value + "}");
  };
  EXPECT_EQ(with_volume("1"), Flaw::kNone);
  EXPECT_EQ(with_volume("\"1\""), Flaw::kNone);
  EXPECT_EQ(with_volume("\"\\u0031\""), Flaw::kNone);
  EXPECT_EQ(with_volume("2"), Flaw::kNone);
  EXPECT_EQ(with_volume("\"7\""), Flaw::kNone);
  EXPECT_EQ(with_volume("18446744073709551615"), Flaw::kNone);
  for (const char* value :
       {"0", "-1", "1.0", "1e0", "\"01\"", "\"\"", "null", "[1]", "true", "18446744073709551616"}) {
    EXPECT_EQ(with_volume(value), Flaw::kVolumeNotAPositiveInteger) << value;
  }
  EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"volume":1,"volume":1})"),
            Flaw::kVolumeDuplicate);
  EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"a":{"volume":2}})"), Flaw::kNone);
}

TEST(Payment, IsAnObject) {
  for (const char* text : {"1", "\"x\"", "null", "true"}) {
    EXPECT_EQ(flaw_of(text), Flaw::kNotAnObject) << text;
  }
  EXPECT_EQ(flaw_of("{}"), Flaw::kUserMissing);
}

TEST(Payment, IsOneJsonTextAndNothingBehindIt) {
  const std::string good = R"({"user":"x","paymentAmt":1})";
  for (const char* tail : {"x", ",", "}", "{}", "1", " null", "//", "#", "]", "\"\""}) {
    EXPECT_EQ(flaw_of(good + tail), Flaw::kNotJson) << tail;
  }
  for (const char* text : {"{",
                           "{\"user\"",
                           "{\"user\":",
                           "{\"user\":\"x",
                           "{\"user\":\"x\"",
                           "{\"user\":\"x\",",
                           "{\"user\":\"x\",}",
                           "{\"user\":\"x\",\"paymentAmt\":1,}",
                           "{\"user\":\"x\" \"paymentAmt\":1}",
                           "{\"user\" \"x\",\"paymentAmt\":1}",
                           "{user:\"x\",\"paymentAmt\":1}",
                           "{'user':'x','paymentAmt':1}",
                           "{\"user\":\"x\",,\"paymentAmt\":1}",
                           "{,\"user\":\"x\",\"paymentAmt\":1}",
                           "{\"user\":\"x\",\"paymentAmt\":1]",
                           "{\"user\":\"x\":\"paymentAmt\":1}",
                           "\"user\":\"x\",\"paymentAmt\":1",
                           "/**/{\"user\":\"x\",\"paymentAmt\":1}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":[1,]}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":[1}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":{\"b\"}}",
                           "{\"user\":\"x\",\"paymentAmt\":1,1:2}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":01}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":+1}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":NaN}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":[1 2]}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":nulll}",
                           "{\"user\":\"x\",\"paymentAmt\":1,\"a\":}"}) {
    EXPECT_EQ(flaw_of(text), Flaw::kNotJson) << text;
  }
}

TEST(Payment, NeitherAByteOrderMarkNorANulIsJson) {
  const std::string good = R"({"user":"x","paymentAmt":1})";
  EXPECT_EQ(flaw_of("\xEF\xBB\xBF" + good), Flaw::kByteOrderMark);
  for (size_t place = 0; place <= good.size(); ++place) {
    std::string text = good;
    text.insert(place, 1, '\0');
    EXPECT_EQ(flaw_of(text), Flaw::kNulByte) << place;
  }
}

TEST(Payment, AStringHoldsNoRawControlCharacter) {
  for (int byte = 1; byte < 0x20; ++byte) {
    const std::string control(1, static_cast<char>(byte));
    EXPECT_EQ(flaw_of(R"({"user":"x)" + control + R"(","paymentAmt":1})"), Flaw::kNotJson);
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"a)" + control + R"(":1})"), Flaw::kNotJson);
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"a":[")" + control + R"("]})"), Flaw::kNotJson);
  }
  EXPECT_EQ(flaw_of("{\"user\":\"\x7F\",\"paymentAmt\":1}"), Flaw::kNone);
}

TEST(Payment, AnEscapeIsOneOfTheGrammarsOwn) {
  for (const char* escape : {"\\x", "\\'", "\\0", "\\u", "\\u12", "\\u123", "\\u12g4", "\\U0041",
                             "\\u+123", "\\u 123", "\\\n", "\\u00e"}) {
    EXPECT_EQ(flaw_of(R"({"user":")" + std::string(escape) + R"(","paymentAmt":1})"),
              Flaw::kNotJson)
        << escape;
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"a":[")" + std::string(escape) + R"("]})"),
              Flaw::kNotJson)
        << escape;
  }
  EXPECT_EQ(flaw_of(R"({"user":"x\)"), Flaw::kNotJson);
  EXPECT_EQ(flaw_of(R"({"user":"x\u00)"), Flaw::kNotJson);
}

TEST(Payment, InvalidUtf8IsRejectedWhereverItStands) {
  for (const char* bytes :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3\x28", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
        "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    const std::string bad(bytes);
    EXPECT_EQ(flaw_of(R"({"user":")" + bad + R"(","paymentAmt":1})"), Flaw::kInvalidUtf8);
    EXPECT_EQ(flaw_of(R"({"user":"eight bytes)" + bad + R"( and on","paymentAmt":1})"),
              Flaw::kInvalidUtf8);
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,")" + bad + R"(":1})"), Flaw::kInvalidUtf8);
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"a":[")" + bad + R"("]})"), Flaw::kInvalidUtf8);
    EXPECT_NE(flaw_of(R"({"user":"x","paymentAmt":1})" + bad), Flaw::kNone);
  }
}

TEST(Payment, ALoneSurrogateIsRejectedWhereverItStands) {
  for (const char* escape :
       {"\\ud800", "\\udbff", "\\udc00", "\\udfff", "\\ud800x", "\\ud800\\n", "\\ud800\\u0041",
        "\\ud800\\ud800", "\\udc00\\ud800", "\\uD83Dx\\uDE00"}) {
    const std::string lone(escape);
    EXPECT_EQ(flaw_of(R"({"user":")" + lone + R"(","paymentAmt":1})"), Flaw::kLoneSurrogate);
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,")" + lone + R"(":1})"), Flaw::kLoneSurrogate);
    EXPECT_EQ(flaw_of(R"({"user":"x","paymentAmt":1,"a":[{"b":")" + lone + R"("}]})"),
              Flaw::kLoneSurrogate);
  }
}

TEST(Payment, NestingGoesDownTo64AndNoFurther) {
  const auto with_nested = [](const std::string& value) {
    return flaw_of(R"({"user":"x","paymentAmt":1,"a":)" + value + "}");
  };
  EXPECT_EQ(with_nested(nested(63, "[", "]")), Flaw::kNone);
  EXPECT_EQ(with_nested(nested(64, "[", "]")), Flaw::kTooDeep);
  EXPECT_EQ(with_nested(nested(63, "{\"b\":", "}")), Flaw::kNone);
  EXPECT_EQ(with_nested(nested(64, "{\"b\":", "}")), Flaw::kTooDeep);
  EXPECT_EQ(with_nested(nested(31, "[{\"b\":", "}]") + ""), Flaw::kNone);
  EXPECT_EQ(with_nested("[" + nested(31, "[{\"b\":", "}]") + "]"), Flaw::kNone);
  EXPECT_EQ(with_nested(nested(32, "[{\"b\":", "}]")), Flaw::kTooDeep);
  EXPECT_EQ(with_nested(nested(62, "[", "]") + ",\"b\":" + nested(63, "[", "]")), Flaw::kNone);
  EXPECT_EQ(flaw_of(nested(64, "[", "]")), Flaw::kNotAnObject);
  EXPECT_EQ(flaw_of(nested(65, "[", "]")), Flaw::kTooDeep);
  EXPECT_EQ(flaw_of(std::string(1000000, '[')), Flaw::kTooDeep);
}

TEST(Payment, EachBracketIsClosedByItsPartner) {
  const auto with_value = [](const std::string& value) {
    return flaw_of(R"({"user":"x","paymentAmt":1,"a":)" + value + "}");
  };
  EXPECT_EQ(with_value(R"([{"a":[{}]},[],{"b":{}}])"), Flaw::kNone);
  for (const char* value : {"[}", "{]", "[{]}", "{\"a\":[}]", "[[]", "[]]", "{\"a\":1]", "[1:2]",
                            "{\"a\",1}", "[,1]", "{\"a\":1,}", "{1:1}", "[\"a\":1]"}) {
    EXPECT_EQ(with_value(value), Flaw::kNotJson) << value;
  }
}

TEST(Payment, MayCallItsFieldsOtherNames) {
  const FieldNames names{"customer id", "total"};
  EXPECT_EQ(payment(R"({"total":3,"user":7,"customer id":"x","paymentAmt":"-"})", names),
            accepted("x", 3000000000));
  EXPECT_EQ(payment(R"({"user":"x","paymentAmt":1})", names).flaw, Flaw::kUserMissing);
  // Names that JSON has to escape, that are long, that are empty, or not ASCII.
  EXPECT_EQ(payment(R"({"a\"b":"x","\u0009":1})", {"a\"b", "\t"}), accepted("x", 1000000000));
  EXPECT_EQ(payment(R"({"":"x","a\\":1})", {"", "a\\"}), accepted("x", 1000000000));
  const std::string long_name(300, 'n');
  EXPECT_EQ(payment("{\"" + long_name + "\":\"x\",\"" + long_name + "o\":1}",
                    {long_name, long_name + "o"}),
            accepted("x", 1000000000));
  EXPECT_EQ(
      payment("{\"\xC3\xA9\":\"x\",\"sixteen bytes ab\":1}", {"\xC3\xA9", "sixteen bytes ab"}),
      accepted("x", 1000000000));
  EXPECT_EQ(payment(R"({"\u00e9":"x","sevenby":1})", {"\xC3\xA9", "sevenby"}),
            accepted("x", 1000000000));
}

TEST(Payment, ANameThatOnlyBeginsLikeAFieldIsAnother) {
  EXPECT_EQ(
      payment(R"({"users":1,"use":2,"user":"x","paymentAmts":"-","paymentAmt":1,"volumes":3})"),
      accepted("x", 1000000000));
  const FieldNames names{"sixteen bytes ab", "sixteen bytes abc"};
  EXPECT_EQ(
      payment(R"({"sixteen bytes abc":1,"sixteen bytes abd":2,"sixteen bytes ab":"x"})", names),
      accepted("x", 1000000000));
}

TEST(Payment, ANameGivenToTwoFieldsIsTheFirstOnes) {
  EXPECT_EQ(payment(R"({"user":"7"})", {"user", "user"}).flaw, Flaw::kAmountMissing);
  EXPECT_EQ(payment(R"({"user":"x","volume":7})", {"user", "volume"}), accepted("x", 7000000000));
  EXPECT_EQ(payment(R"({"volume":"x","paymentAmt":7})", {"volume", "paymentAmt"}),
            accepted("x", 7000000000));
  EXPECT_EQ(payment(R"({"paymentAmt":7,"volume":"x"})", {"volume", "paymentAmt"}),
            accepted("x", 7000000000));
}

}  // namespace
}  // namespace paystats::record
