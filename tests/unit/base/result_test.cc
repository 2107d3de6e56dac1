#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace paystats::base {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail("odd");
  return n / 2;
}

Result<void> check(int n) {
  const Result<int> result = half(n);
  if (!result) return fail(result.error());
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*half(4), 2);
  ASSERT_FALSE(half(3));
  EXPECT_EQ(half(3).error().message, "odd");
  EXPECT_EQ(half(3).error().kind, ErrorKind::kFailed);
}

TEST(Result, AnErrorTravelsUpThroughResultsOfOtherTypes) {
  EXPECT_TRUE(check(4));
  EXPECT_EQ(check(3).error().message, "odd");
}

TEST(Result, TakesTypesThatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result);
  EXPECT_EQ(**result, 7);
}

TEST(Graver, WhatMustNotBeBegunAgainIsToldBeforeOtherErrors) {
  const Error failed{"failed"};
  const Error failed_too{"failed, too", ErrorKind::kClosedOutput};
  const Error interrupted{"interrupted", ErrorKind::kInterrupted};
  const Error lost{"lost", ErrorKind::kMustNotGoOn};
  EXPECT_EQ(graver(failed, lost).message, "lost");
  EXPECT_EQ(graver(lost, failed).message, "lost");
  EXPECT_EQ(graver(interrupted, failed).message, "failed");
  EXPECT_EQ(graver(failed, interrupted).message, "failed");
  EXPECT_EQ(graver(failed, failed_too).message, "failed");
}

TEST(SystemError, NamesTheSubjectAndTheReasonInTheHousesForm) {
  EXPECT_EQ(system_error("out.jsonl", ENOSPC).message, "out.jsonl: no space left on device");
  EXPECT_EQ(system_error("out.jsonl", ENOSPC).kind, ErrorKind::kFailed);
}

TEST(SystemError, AReaderThatHasGoneIsAKindOfItsOwn) {
  EXPECT_EQ(system_error("stdout", EPIPE).kind, ErrorKind::kClosedOutput);
}

}  // namespace
}  // namespace paystats::base
