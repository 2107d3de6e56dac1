// Lines of batches that look alike: their volumes are read with their amounts, so many side by
// side, where the volume is the last field, in front of another one, or behind one. The verdict
// must be that of the general path.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "record/payment_layouts.h"
#include "unit/record/every_target.h"
#include "unit/record/layout_verdicts.h"

namespace paystats::record {
namespace {

TEST(BatchLayouts, AVolumeOfAnyTextAtAnyPlaceGetsTheSameVerdict) {
  const std::vector<std::string> volumes = {"1",
                                            "0",
                                            "00",
                                            "01",
                                            "007",
                                            "+7",
                                            "-7",
                                            "7.0",
                                            "7e0",
                                            "7 ",
                                            " 7",
                                            "7\t",
                                            "",
                                            "x",
                                            "null",
                                            "[7]",
                                            "{}",
                                            "\"7\"",
                                            "\"07\"",
                                            "\"\"",
                                            "\"",
                                            "9999999",
                                            "99999999",
                                            "100000000",
                                            "123456789012345678",
                                            "18446744073709551615",
                                            "18446744073709551616",
                                            "99999999999999999999",
                                            "100000000000000000000",
                                            "7,\"note\":\"a\"",
                                            "7,\"note\":1",
                                            "7,\"volume\":7",
                                            "7,\"user\":\"b\"",
                                            "7}",
                                            "7}{",
                                            "7,",
                                            "7:",
                                            "\\u0037",
                                            std::string("7\0", 2),
                                            "\xEF\xBC\x97"};
  for (const char* line :
       {R"({"user":"@user","paymentAmt":@amount,"volume":@volume})",
        R"({"user":"@user","paymentAmt":@amount,"volume":@volume,"time":"12:00"})",
        R"({"user":"@user","paymentAmt":@amount,"time":"12:00","volume":@volume})",
        R"({"user":"@user", "paymentAmt": @amount, "volume": @volume , "time":"12:00" })"}) {
    const auto line_of = [&](const std::string& user, const std::string& amount,
                             const std::string& volume) {
      std::string text = line;
      text.replace(text.find("@user"), 5, user);
      text.replace(text.find("@amount"), 7, amount);
      text.replace(text.find("@volume"), 7, volume);
      return text + "\n";
    };
    for (const std::string& odd : volumes) {
      std::string block;
      for (size_t at = 0; at < 80; at += 7) {
        for (size_t i = 0; i < 140; ++i) {
          const bool is_odd = i == at || i == 2 * at + 5;
          block += line_of("user" + std::to_string(i), std::to_string(i) + ".25",
                           is_odd ? odd : std::to_string(1 + i * i));
        }
      }
      expect_same(block);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(BatchLayouts, TheSumOfABatchIsTheProductWhateverTheirSizes) {
  std::vector<std::string> amounts = {"0",
                                      "0.01",
                                      "1",
                                      "-1",
                                      "12345678",
                                      "1e3",
                                      "0.000001",
                                      "99999999",
                                      "9223372036",
                                      "-1.5e-3",
                                      "999999999999999.999999999"};
  std::vector<std::string> volumes;
  for (std::string digits = "1"; digits.size() <= 20; digits += "0") {
    volumes.push_back(digits);
    volumes.push_back(std::string(digits.size(), '9'));
  }
  for_every_target([&] {
    for (const char* usual : {"7", "18446744073709551615"}) {
      std::string block;
      for (const std::string& amount : amounts) {
        for (const std::string& volume : volumes) {
          for (int i = 0; i < 12; ++i) {
            block += "{\"user\":\"a\",\"paymentAmt\":2.5,\"volume\":" + std::string(usual) + "}\n";
          }
          block += "{\"user\":\"b\",\"paymentAmt\":" + amount + ",\"volume\":" + volume + "}\n";
        }
      }
      expect_same(block);
    }
  });
  // 10^15 - 10^-9 does not fit so many times, which is told of its line alone.
  std::string block;
  for (int i = 0; i < 20; ++i)
    block += R"({"user":"a","paymentAmt":2.5,"volume":7})"
             "\n";
  block += R"({"user":"a","paymentAmt":999999999999999.999999999,"volume":18446744073709551615})"
           "\n";
  for (int i = 0; i < 20; ++i)
    block += R"({"user":"a","paymentAmt":2.5,"volume":7})"
             "\n";
  const Verdicts verdicts = judge(DecodePath::kFastFirst, block);
  EXPECT_EQ(verdicts.rows.size(), 40U);
  EXPECT_EQ(verdicts.rejected.size(), 1U);
}

TEST(BatchLayouts, BatchesOfAnyBytesGetTheSameVerdict) {
  std::mt19937_64 random(3);
  const std::string likely = "0123456789.-eE+,:\"{} \\x";
  const auto some = [&](const std::string& usual) {
    if (random() % 16 != 0) return usual;
    std::string text = usual;
    for (size_t times = 1 + random() % 3; times > 0; --times) {
      const size_t at = random() % (text.size() + 1);
      text.insert(at, 1, likely[random() % likely.size()]);
      if (random() % 2 == 0) text.erase(random() % text.size(), 1);
    }
    return text;
  };
  const std::vector<std::string> ends = {"}", ",\"time\":\"12:00\"}", " , \"a\":\"b\" }"};
  for (int round = 0; round < 200; ++round) {
    std::string block;
    for (int i = 0; i < 300; ++i) {
      const std::string user(1 + random() % 20, static_cast<char>('a' + random() % 26));
      const std::string amount = std::to_string(random() % 100000) + ".25";
      const std::string volume = std::to_string(random() >> (random() % 64) | 1U);
      block += some("{\"user\":\"") + user + some("\",\"paymentAmt\":") + some(amount) +
               some(",\"volume\":") + some(volume) + some(ends[round % 3]) + "\n";
    }
    expect_same(block);
    if (HasFatalFailure()) return;
  }
}

// Where a number ends is looked for from the next quote back, which may be far in front of it.
TEST(BatchLayouts, NothingIsReadInFrontOfABlock) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const pages =
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages, page, PROT_NONE), 0);
  char* const begin = static_cast<char*>(pages) + page;
  for (size_t spaces = 0; spaces < 40; ++spaces) {
    const std::string gap(spaces, ' ');
    for (const std::string& tail : {gap + ",\"time\":\"x\"}\n", gap + ",\"v\":7}\n",
                                    ",\"v\":7" + gap + ",\"time\":\"x\"}\n"}) {
      FieldNames names;
      names.volume = "v";
      LineDecoder<Payment> decoder(names);
      DecodedLines<Payment> lines;
      const std::string usual = "{\"user\":\"a\",\"paymentAmt\":1" + tail;
      std::string block;
      while (block.size() + usual.size() <= page) block += usual;
      for (const char* amount : {"1", "\"\"", "\"", "", ",\"v\":\""}) {
        std::string odd = "{\"user\":\"a\",\"paymentAmt\":" + std::string(amount) + tail;
        odd += block.substr(0, block.size() - 2 * usual.size());
        for (const std::string& each : {block, odd}) {
          std::copy(each.begin(), each.end(), begin);
          decoder.decode({begin, each.size()}, lines);
          EXPECT_GT(lines.rows.size(), 8U);
        }
      }
    }
  }
  munmap(pages, 2 * page);
}

}  // namespace
}  // namespace paystats::record
