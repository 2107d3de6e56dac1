#include "record/user_name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace paystats::record {
namespace {

// The first 16 bytes and zeros behind the end, by the simplest way there is.
UserName::Head padded(std::string_view text) {
  char bytes[UserName::kHeadBytes] = {};
  std::copy_n(text.data(), std::min(text.size(), sizeof bytes), bytes);
  UserName::Head head;
  std::memcpy(&head, bytes, sizeof head);
  return head;
}

std::string letters(size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>('\xC8' + i);
  return text;
}

TEST(UserName, HeadIsTheBeginningWithZerosBehind) {
  EXPECT_EQ(UserName().head(), padded(""));
  for (size_t size = 0; size < 40; ++size) {
    const std::string text = letters(size);
    // Of its own, so that a sanitizer sees what is read beyond it.
    const auto exact = std::make_unique<char[]>(size);
    std::copy(text.begin(), text.end(), exact.get());
    const UserName name(std::string_view(exact.get(), size));
    EXPECT_EQ(name.head(), padded(text)) << size;
    EXPECT_EQ(name, text);
    EXPECT_EQ(name.data(), exact.get());
    EXPECT_EQ(name.size(), size);
  }
}

TEST(UserName, WhatStandsBehindIsNoPartOfIt) {
  for (size_t size = 0; size < 40; ++size) {
    const std::string text = letters(size);
    const std::string with_more = text + "\",\"paymentAmt\":1.5}";
    const UserName name = UserName::with_margin(with_more.data(), size);
    EXPECT_EQ(name.head(), padded(text)) << size;
    EXPECT_EQ(name, text);
  }
}

}  // namespace
}  // namespace paystats::record
