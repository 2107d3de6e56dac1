#include "record/text_arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace paystats::record {
namespace {

std::string_view put(TextArena& arena, const std::string& text) {
  char* const space = arena.reserve(text.size());
  std::memcpy(space, text.data(), text.size());
  arena.keep(text.size());
  return {space, text.size()};
}

TEST(TextArena, KeepsEveryTextWhereItIs) {
  for (int round = 0; round < 2; ++round) {
    static TextArena arena;
    arena.clear();
    std::vector<std::string> texts;
    std::vector<std::string_view> views;
    for (size_t i = 0; i < 500; ++i) {
      const size_t size = i % 7 == 0 ? TextArena::kBlockBytes + i : i * 13;
      texts.emplace_back(size, static_cast<char>('a' + i % 26));
      views.push_back(put(arena, texts.back()));
    }
    for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(views[i], texts[i]) << i;
  }
}

TEST(TextArena, GivesWhatWasNotKeptAgain) {
  TextArena arena;
  const char* const first = arena.reserve(100);
  EXPECT_EQ(arena.reserve(50), first);
  arena.keep(10);
  EXPECT_EQ(arena.reserve(50), first + 10);
}

TEST(TextArena, OnceWarmUsesTheSameMemory) {
  TextArena arena;
  const char* const first = arena.reserve(TextArena::kBlockBytes);
  arena.keep(TextArena::kBlockBytes);
  const char* const second = arena.reserve(10);
  EXPECT_NE(second, first);
  arena.clear();
  EXPECT_EQ(arena.reserve(TextArena::kBlockBytes), first);
  arena.keep(TextArena::kBlockBytes);
  EXPECT_EQ(arena.reserve(10), second);
}

TEST(TextArena, ThatWasMovedFromIsEmptyAndOfUse) {
  TextArena arena;
  const std::string text(TextArena::kBlockBytes, 'x');
  put(arena, text);
  const std::string_view kept = put(arena, "kept");
  const TextArena moved = std::move(arena);
  EXPECT_EQ(put(arena, "new"), "new");
  EXPECT_EQ(kept, "kept");
}

}  // namespace
}  // namespace paystats::record
