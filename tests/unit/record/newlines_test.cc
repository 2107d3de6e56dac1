#include "record/newlines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "unit/record/every_target.h"

namespace paystats {
namespace {

TEST(Newlines, AreCountedInTextsOfAnyLength) {
  for_every_target([] {
    std::mt19937_64 random(1);
    for (size_t size = 0; size < 700; ++size) {
      std::string text(size, 'a');
      for (char& c : text) {
        if (random() % 3 == 0) c = "\n\x0B\x8A*"[random() % 4];
      }
      ASSERT_EQ(count_newlines(text),
                static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')))
          << size;
    }
  });
}

TEST(Newlines, AreCountedBeyondWhatALaneOfAVectorHolds) {
  for_every_target([] {
    for (const size_t size : {16320U, 16321U, 70000U, 1000003U}) {
      EXPECT_EQ(count_newlines(std::string(size, '\n')), size);
    }
  });
}

}  // namespace
}  // namespace paystats
