#include "log/payment_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "unit/io/faults.h"
#include "unit/io/support.h"
#include "unit/log/payment_log_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

struct Torn {
  const char* what;
  std::string before;
  std::string repaired;
  std::string torn;
};

TEST_F(PaymentLogTest, RepairsWhatAKilledWriterLeft) {
  const std::string one = kOne;
  const std::string two = kTwo;
  const Torn cases[] = {
      {"nothing is torn", plain(one), plain(one), ""},
      {"an empty line", plain(one) + "\n", plain(one) + "\n", ""},
      {"a payment without its newline gets it", plain(one) + two, plain(one) + plain(two), ""},
      {"so does the only one", one, plain(one), ""},
      {"and one behind an empty line", "\n" + one, "\n" + plain(one), ""},
      {"and any other JSON object", plain(one) + R"({"konto":7})", plain(one) + "{\"konto\":7}\n",
       ""},
      {"and one behind the mark of a file's beginning", "\xEF\xBB\xBF" + one,
       "\xEF\xBB\xBF" + plain(one), ""},
      {"and an array", plain(one) + "[" + one + "]", plain(one) + "[" + one + "]\n", ""},
      {"and what has spaces around it", plain(one) + " " + two + " \r",
       plain(one) + " " + two + " \r\n", ""},
      {"a torn line is kept beside the log", plain(one) + "{\"user\":\"b\"", plain(one),
       "{\"user\":\"b\"\n"},
      {"so is the only one", "{\"us", "", "{\"us\n"},
      {"so is a single byte", plain(one) + "{", plain(one), "{\n"},
      {"so are spaces", plain(one) + "  ", plain(one), "  \n"},
      {"so is what is no JSON", plain(one) + "hello", plain(one), "hello\n"},
      {"a scalar may be the beginning of another", plain(one) + "12", plain(one), "12\n"},
      {"so are two objects in one line", plain(one) + two + two, plain(one), two + two + "\n"},
      {"a whole line that ends in a space is a whole line", plain(one) + two + " \n{",
       plain(one) + two + " \n", "{\n"},
      {"so is one between spaces, and one with a CR", " " + one + " \n" + two + "\r\n{",
       " " + one + " \n" + two + "\r\n", "{\n"},
      {"bytes that never reached the disk are told by their number",
       plain(one) + std::string(5000, '\0'), plain(one), "[5000 NUL bytes]\n"},
      {"so are those in the middle", plain(one) + "{\"user\":" + std::string(1, '\0') + "}",
       plain(one), "{\"user\":[1 NUL byte]}\n"},
  };
  for (const Torn& torn_case : cases) {
    write_file(path_, torn_case.before);
    remove_torn();
    ASSERT_TRUE(commit(plain("next"))) << torn_case.what;
    EXPECT_EQ(bytes(), torn_case.repaired + plain("next")) << torn_case.what;
    EXPECT_EQ(torn(), torn_case.torn) << torn_case.what;
    EXPECT_EQ(words_.heard().find("error") != std::string::npos, !torn_case.torn.empty())
        << torn_case.what;
  }
}

TEST_F(PaymentLogTest, ARepairSaysHowMuchItMovedAndWhere) {
  write_file(path_, plain(kOne) + "{\"us");
  ASSERT_TRUE(commit(plain(kOne)));
  const std::string heard = words_.heard();
  EXPECT_NE(heard.find("payments.jsonl: the last 4 bytes were no whole line"), std::string::npos);
  EXPECT_NE(heard.find("payments.jsonl.torn"), std::string::npos);
}

TEST_F(PaymentLogTest, EachTailIsKeptBehindTheOneBefore) {
  for (const std::string tail : {"{\"a", "{\"b"}) {
    append_file(path_, tail);
    ASSERT_TRUE(commit(plain(kOne)));
  }
  EXPECT_EQ(torn(), "{\"a\n{\"b\n");
  EXPECT_EQ(bytes(), plain(kOne) + plain(kOne));
}

TEST_F(PaymentLogTest, ATailOfManyMegabytesIsKeptAsAWhole) {
  const std::string tail = "{\"user\":\"" + std::string(3'000'000, 'x') + "\"}";
  write_file(path_, plain(kOne) + tail);
  ASSERT_TRUE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
  EXPECT_EQ(torn(), tail + "\n");
}

// What stands beside the log, and that it does, is on the disk before it is cut off, and that it is
// cut off before anything is written in its place.
TEST_F(PaymentLogTest, ATailIsOnTheDiskBesideTheLogBeforeItIsCutOff) {
  write_file(path_, plain(kOne) + "{\"us");
  ASSERT_TRUE(commit(plain(kTwo)));
  struct stat torn_status = {};
  struct stat folder = {};
  ASSERT_EQ(::stat((path_ + ".torn").c_str(), &torn_status), 0);
  ASSERT_EQ(::stat((folder_ / ".").c_str(), &folder), 0);
  EXPECT_EQ(faults().fsynced,
            (std::vector<ino_t>{torn_status.st_ino, folder.st_ino, folder.st_ino}));
  EXPECT_EQ(faults().data_syncs, 3) << "before all, of the cut, and of the commit";
}

TEST_F(PaymentLogTest, WithoutRoomForTheTailTheLogStaysAsItIs) {
  const std::string before = plain(kOne) + "{\"us";
  write_file(path_, before);
  write_file(path_ + ".torn", "older\n");
  faults().disk_bytes_left = 2;
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(torn(), "older\n");
  faults().disk_bytes_left = -1;
  std::filesystem::remove(path_ + ".torn");
  std::filesystem::create_directory(path_ + ".torn");
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), before);
}

}  // namespace
}  // namespace paystats::log
