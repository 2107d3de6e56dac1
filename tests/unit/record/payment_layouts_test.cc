// Blocks of lines that look alike, in many layouts, cut, moved and damaged at each byte: the
// verdict must be that of the general path, line for line, in every instruction set that the
// machine has.
#include "record/payment_layouts.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "unit/record/every_target.h"
#include "unit/record/layout_verdicts.h"

namespace paystats::record {
namespace {

const std::vector<std::string>& layouts() {
  static const std::vector<std::string> kLayouts = {
      R"({"user":"user121","paymentAmt":52.05})",
      R"({"user":"u","paymentAmt":"7"})",
      R"( { "paymentAmt" : -1250.125 , "user" : "edgar" } )",
      "{\"user\":\"J\xC3\xBCrgen \xE6\x9D\xB1\xE4\xBA\xAC\",\"paymentAmt\":1}\r",
      R"({"user":"J\u00fcrgen\n","paymentAmt":1e2})",
      R"({"id":17,"ok":true,"user":"ann","note":null,"x":-0.5e3,"paymentAmt":0.01,"shop":"a\"b"})",
      R"({"user":"ann","tags":["a",{"b":[1,2]}],"paymentAmt":3.5,"o":{}})",
      R"({"a field with a name that is longer than two vectors are wide":"","user":"x","paymentAmt":0})",
      "{\"user\":\"" + std::string(200, 'n') + R"(","paymentAmt":999999999999999.999999999})",
      R"({"a":{"b":"\"","c d":[-1.5e3,true,{"e":null}],"user":"no"},"user":"w","paymentAmt":2.5,"f":[[]]})",
      R"({"volume":1,"user":"v","paymentAmt":2})",
      R"({"user":"edgar","paymentAmt":1.05,"volume":7})",
      R"({"user":"edgar","paymentAmt":12.5 , "volume" : 120 })",
      R"({"user":"u","paymentAmt":1,"volume":7,"time":"2026-01-02T03:04:05.678Z"})",
      R"({"user":"u","paymentAmt":1,"time":"x","volume":12,"idempotencyKey":"k"})",
      R"({"user":"u","paymentAmt":1,"time":"x","volume":12})"};
  return kLayouts;
}

TEST(PaymentLayouts, LinesOfOneLayoutAreReadAsTheGeneralPathReadsThem) {
  for_every_target([] {
    for (const std::string& line : layouts()) {
      std::string block;
      for (int i = 0; i < 1200; ++i) block += line + "\n";
      expect_same(block);
      EXPECT_EQ(judge(DecodePath::kFastFirst, block).rows.size(), 1200U) << line;
    }
  });
}

TEST(PaymentLayouts, AByteOfALineThatIsAnotherOneGetsTheSameVerdict) {
  const std::string bytes("\"\\,:{}[] \t\r\n\0a0.-eE\x1F\x7F\x80\xC3\xFF", 24);
  for (const std::string& line : layouts()) {
    const std::string before = line + "\n" + line + "\n";
    const std::string after = "\n" + line + "\n" + line + "\n";
    for (size_t at = 0; at < line.size(); ++at) {
      std::string block;
      for (const char byte : bytes) {
        std::string damaged = line;
        damaged[at] = byte;
        block += before + damaged + after;
      }
      block += before + line.substr(0, at) + "\n" + line.substr(at) + after;  // broken in two
      block += before + line.substr(0, at) + after;                           // cut
      block += before + line.substr(0, at) + line.substr(at + 1) + after;     // one less
      block += before + line.substr(0, at) + line.substr(at, 1) + line.substr(at) + after;  // more
      expect_same(block);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(PaymentLayouts, WhereALineBeginsInTheBlockMakesNoDifference) {
  for_every_target([] {
    for (const std::string& line : layouts()) {
      std::string lines;
      while (lines.size() < 2 * StringStops::kBytes) lines += line + "\n";
      for (size_t shift = 0; shift < 64; ++shift) {
        expect_same(std::string(shift, ' ') + "\n" + lines);
        if (HasFatalFailure()) return;
      }
    }
  });
}

TEST(PaymentLayouts, ABlockMayEndAnywhere) {
  for (const std::string& line : layouts()) {
    const std::string block = line + "\n" + line + "\n" + line + "\n" + line + "\n";
    for (size_t size = 0; size < block.size(); ++size) {
      expect_same(block.substr(0, size));
      if (HasFatalFailure()) return;
    }
  }
}

// Further values of one field, one after the other: each is another one than that of the line
// before.
std::string payments_with(const std::vector<std::string>& values) {
  std::string block;
  for (const std::string& value : values) {
    for (const char* line :
         {R"({"user":"a","x":@,"paymentAmt":1})", R"({"x":@,"user":"a","paymentAmt":1})",
          R"({"user":"a","paymentAmt":1,"x":@})"}) {
      block += line;
      block.replace(block.rfind('@'), 1, value);
      block += '\n';
    }
  }
  return block;
}

TEST(PaymentLayouts, AFieldThatIsNotReadMayHaveAnotherKindOfValueInEachLine) {
  const std::vector<std::string> values = {"1",
                                           "-1",
                                           "1e5",
                                           "1.5E-3",
                                           "123456789",
                                           "01",
                                           "-",
                                           "1.",
                                           "true",
                                           "false",
                                           "null",
                                           "tru",
                                           "nul",
                                           "nan",
                                           "truex",
                                           R"("s")",
                                           R"("")",
                                           R"("\"")",
                                           R"("\ud800")",
                                           "\"\xC3\"",
                                           "\"\x01\"",
                                           "{}",
                                           "[]",
                                           "[1]",
                                           "[1,2]",
                                           R"(["a","b"])",
                                           R"(["a", "b"])",
                                           R"(["a" ,"b"])",
                                           R"(["a",1])",
                                           R"([true,false])",
                                           R"([null,"\n"])",
                                           "[,]",
                                           "[1,]",
                                           "[1 2]",
                                           "[1",
                                           "1]",
                                           R"({"k":1})",
                                           R"({"k":2})",
                                           R"({"k":"v"})",
                                           R"({"k":"w"})",
                                           R"({"k": "v"})",
                                           R"({"k":"v",})",
                                           R"({"k"})",
                                           R"({k:1})",
                                           R"({"k":1,"k":1})",
                                           R"({"l":1})",
                                           R"({"k":[1]})",
                                           R"({"k":{"l":[{"m":"n"}]}})",
                                           R"({"k":{"l":[{"m":"o"}]}})",
                                           R"({"k":{"l":[{"m":{}}]}})",
                                           R"({"k":{"l":[{"m":[]}]}})",
                                           R"({"user":"b"})",
                                           R"({"k:":":"})",
                                           R"({"k" : ":"})",
                                           "{\"k\":\t1}",
                                           "[\r1]"};
  std::mt19937_64 random(2);
  expect_same(payments_with(values));
  for (int i = 0; i < 300; ++i) {
    std::vector<std::string> some;
    const std::string& usual = values[random() % values.size()];
    for (int j = 0; j < 60; ++j)
      some.push_back(random() % 2 == 0 ? usual : values[random() % values.size()]);
    expect_same(payments_with(some));
    if (HasFatalFailure()) return;
  }
}

// What stands at a place that is nested may be nested as well, but not deeper than any other.
TEST(PaymentLayouts, DepthCountsFromTheOutermostObject) {
  const auto nested = [](int depth, const std::string& inmost) {
    std::string value;
    for (int i = 0; i < depth; ++i) value += i % 2 == 0 ? R"({"k":)" : "[";
    value += inmost;
    for (int i = depth; i-- > 0;) value += i % 2 == 0 ? "}" : "]";
    return value;
  };
  std::vector<std::string> values;
  for (int depth = kNestingMax - 4; depth < kNestingMax + 3; ++depth) {
    for (const char* inmost : {"1", "[]", "[[]]", "[[[[]]]]", R"("s")", "{}"}) {
      values.push_back(nested(depth, "1"));
      values.push_back(nested(depth, inmost));
    }
  }
  expect_same(payments_with(values));
}

TEST(PaymentLayouts, ALineMayHaveMoreValuesThanALayoutHolds) {
  std::string block;
  for (size_t values = 1; values < 60; ++values) {
    std::string list;
    std::string fields;
    for (size_t i = 0; i < values; ++i) {
      list += (i == 0 ? "[" : ",") + std::to_string(i);
      fields += ",\"field " + std::to_string(i) + "\":\"s\"";
    }
    for (int i = 0; i < 3; ++i) {
      block += "{\"user\":\"a\",\"x\":" + list + "],\"paymentAmt\":1}\n";
      block += "{\"user\":\"a\",\"x\":" + list + "],\"paymentAmt\":1" + fields + "}\n";
      block += "{\"user\":\"a\"" + fields + ",\"paymentAmt\":1}\n";
    }
  }
  expect_same(block);
  EXPECT_EQ(judge(DecodePath::kFastFirst, block).rows.size(), 59U * 9);
}

// What a name is made of, right and wrong, in all orders of three, at each place of a block.
TEST(PaymentLayouts, NamesOfEscapesAndOtherCharactersGetTheSameVerdict) {
  const std::vector<std::string> pieces = {"",
                                           "a",
                                           "plain and long, so that it is no short run",
                                           R"(\")",
                                           R"(\\)",
                                           R"(\/\b\f\n\r\t)",
                                           R"(\u0000)",
                                           R"(\u00fc)",
                                           R"(\u6771)",
                                           R"(\uD83D\uDE00)",
                                           R"(\ud83d)",
                                           R"(\ude00)",
                                           R"(\ud83d\u0041)",
                                           R"(\ud83dxx)",
                                           R"(\u12g4)",
                                           R"(\u12)",
                                           R"(\x)",
                                           "\\",
                                           "\xC3\xBC",
                                           "\xE6\x9D\xB1",
                                           "\xF0\x9F\x98\x80",
                                           "\xC3",
                                           "\xED\xA0\x80",
                                           "\x80",
                                           "\xF5",
                                           "\x1F",
                                           std::string(1, '\0'),
                                           std::string(1010, 'n')};
  const std::string usual = "{\"user\":\"ann\",\"paymentAmt\":1}\n";
  std::string block = usual;
  for (const std::string& a : pieces) {
    for (const std::string& b : pieces) {
      for (const std::string& c : pieces) {
        block.append("{\"user\":\"").append(a).append(b).append(c).append("\",\"paymentAmt\":1}\n");
        block += usual;
      }
    }
    expect_same(block);
    if (HasFatalFailure()) return;
    block = usual;
  }
}

// Names of each length around the limit, as escapes, which are decoded piece by piece.
TEST(PaymentLayouts, ADecodedNameIsHeldAgainstTheLimitOfNames) {
  std::string block = "{\"user\":\"ann\",\"paymentAmt\":1}\n";
  for (size_t size = 1000; size < 1040; ++size) {
    for (const char* escape : {R"(\n)", R"(\u00fc)", R"(\ud83d\ude00)"}) {
      const std::string plain(size, 'n');
      block += "{\"user\":\"" + plain + escape + "\",\"paymentAmt\":1}\n";
      block += "{\"user\":\"" + std::string(escape) + plain + "\",\"paymentAmt\":1}\n";
    }
  }
  expect_same(block);
}

// A name without an end, as long as makes it end at each place near the end of the block.
TEST(PaymentLayouts, AStringThatTheEndOfTheBlockCutsOffIsNotReadBeyondIt) {
  for (const std::string& line : layouts()) {
    const std::string whole = line + "\n" + line + "\n" + line + "\n";
    const std::string front = line.substr(0, line.find(':') + 1) + "\"";
    for (const char* piece : {"n", R"(\n)", R"(\u00fc)", "\xC3\xBC", "\\"}) {
      for (size_t times = 0; times < 80; ++times) {
        std::string block = whole + front;
        for (size_t i = 0; i < times; ++i) block += piece;
        expect_same(block);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(PaymentLayouts, LayoutsMayTakeTurns) {
  std::mt19937_64 random(1);
  std::string block;
  for (int i = 0; i < 5000; ++i) block += layouts()[random() % layouts().size()] + "\n";
  expect_same(block);
  EXPECT_EQ(judge(DecodePath::kFastFirst, block).rows.size(), 5000U);
}

TEST(PaymentLayouts, NamesAndAmountsOfAllLengthsFit) {
  std::string block;
  for (size_t size = 1; size < 1100; ++size) {
    const std::string name(size, static_cast<char>('a' + size % 26));
    const std::string digits = std::string("1234567890123456789012345").substr(0, 1 + size % 17);
    const std::string fraction = std::string("1234567890123").substr(0, 1 + size % 11);
    block += "{\"user\":\"" + name + "\",\"paymentAmt\":" + digits + "." + fraction + "}\n";
    block += "{\"user\":\"" + name + "\",\"paymentAmt\":" + digits + "}\n";
  }
  expect_same(block);
  EXPECT_GT(judge(DecodePath::kFastFirst, block).rows.size(), 1000U);
}

// Amounts of so many lines are read together; one that is wrong must cost no other line.
TEST(PaymentLayouts, AnAmountThatIsNotShortOrNotRightAtAnyPlaceGetsTheSameVerdict) {
  for_every_target([] {
    for (const char* amount : {"-12.50", "1e2", "123456789.123456789", "1.23456789012", "x", "01",
                               "", "1 ", "1}", "\"1\"", "1,\"volume\":2", "1,\"user\":\"b\""}) {
      for (size_t at = 0; at < 80; at += 3) {
        std::string block;
        for (size_t i = 0; i < 140; ++i) {
          block += "{\"user\":\"user" + std::to_string(i) + "\",\"paymentAmt\":" +
                   (i == at || i == 2 * at + 5 ? amount : std::to_string(i) + ".25") + "}\n";
        }
        expect_same(block);
        if (HasFatalFailure()) return;
      }
    }
  });
}

TEST(PaymentLayouts, AStringOfADifferentBlockInTheSamePlaceIsNotTakenForTheOldOne) {
  LineDecoder<Payment> decoder(FieldNames{});
  DecodedLines<Payment> lines;
  std::string block;
  for (int i = 0; i < 40; ++i) block += "{\"user\":\"aaaaaaaa\",\"paymentAmt\":1}\n";
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  std::string other;
  for (int i = 0; i < 40; ++i) other += "{\"user\":\"aa\\\"aaaa\",\"paymentAmt\":1}\n";
  ASSERT_EQ(other.size(), block.size());
  block.replace(0, other.size(), other);
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  ASSERT_EQ(lines.rows.size(), 40U);
  EXPECT_EQ(lines.rows[7].record.user, "aa\"aaaa");
}

}  // namespace
}  // namespace paystats::record
