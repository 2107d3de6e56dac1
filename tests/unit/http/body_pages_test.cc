#include "http/body_pages.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace paystats::http {
namespace {

api::SharedBytes bytes(size_t size, char c = 'x') {
  return std::make_shared<const std::string>(size, c);
}

std::string content(const BodyPages::Pages& file, size_t size) {
  std::string text(size + 1, '\0');
  const ssize_t n = ::pread(file->get(), text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return text;
}

TEST(BodyPages, ABodyThatIsSentAgainGetsAFileOfItsBytes) {
  BodyPages pages;
  const api::SharedBytes body = bytes(20'000, 'a');
  EXPECT_EQ(pages.of(body), nullptr);
  const BodyPages::Pages file = pages.of(body);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(content(file, body->size()), *body);
  EXPECT_EQ(pages.of(body), file);
  EXPECT_EQ(pages.files(), 1u);
}

TEST(BodyPages, SmallBodiesAndNoneAreSentFromMemory) {
  BodyPages pages;
  const api::SharedBytes small = bytes(BodyPages::kBytesMin - 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pages.of(small), nullptr);
  EXPECT_EQ(pages.of(nullptr), nullptr);
  EXPECT_EQ(pages.files(), 0u);
}

TEST(BodyPages, AFileGoesWithItsBodyAndStaysForWhoIsBeingSentIt) {
  BodyPages pages;
  api::SharedBytes body = bytes(BodyPages::kBytesMin, 'b');
  pages.of(body);
  const BodyPages::Pages file = pages.of(body);
  body.reset();
  pages.tidy();
  EXPECT_EQ(pages.files(), 0u);
  EXPECT_EQ(content(file, BodyPages::kBytesMin), std::string(BodyPages::kBytesMin, 'b'));
}

TEST(BodyPages, ABodyInThePlaceOfOneThatIsGoneIsAnother) {
  // An owner of its own at the same address, as the allocator may make it.
  const std::string text(BodyPages::kBytesMin, 'c');
  BodyPages pages;
  api::SharedBytes first(&text, [](const std::string*) {});
  pages.of(first);
  ASSERT_NE(pages.of(first), nullptr);
  first.reset();
  const api::SharedBytes second(&text, [](const std::string*) {});
  EXPECT_EQ(pages.of(second), nullptr);
  EXPECT_EQ(pages.files(), 0u);
  EXPECT_NE(pages.of(second), nullptr);
}

TEST(BodyPages, TheNumberOfFilesHasALimitAndThoseOfGoneBodiesMakeRoom) {
  BodyPages pages;
  std::vector<api::SharedBytes> bodies;
  for (size_t i = 0; i < BodyPages::kFilesMax; ++i) {
    bodies.push_back(bytes(BodyPages::kBytesMin));
    pages.of(bodies.back());
    ASSERT_NE(pages.of(bodies.back()), nullptr);
  }
  const api::SharedBytes more = bytes(BodyPages::kBytesMin);
  pages.of(more);
  EXPECT_EQ(pages.of(more), nullptr);
  bodies.pop_back();
  EXPECT_NE(pages.of(more), nullptr);
  EXPECT_EQ(pages.files(), BodyPages::kFilesMax);
}

TEST(BodyPages, SoHasTheSizeOfAllFiles) {
  BodyPages pages;
  const api::SharedBytes half = bytes(BodyPages::kFileBytesMax / 2);
  const api::SharedBytes rest = bytes(BodyPages::kFileBytesMax / 2);
  const api::SharedBytes more = bytes(BodyPages::kBytesMin);
  for (const auto& body : {half, rest, more}) pages.of(body);
  EXPECT_NE(pages.of(half), nullptr);
  EXPECT_NE(pages.of(rest), nullptr);
  EXPECT_EQ(pages.of(more), nullptr);
}

}  // namespace
}  // namespace paystats::http
