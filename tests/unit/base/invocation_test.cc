#include "base/invocation.h"

#include <gtest/gtest.h>

namespace paystats::base {
namespace {

TEST(Invocation, HasAnotherInputInThePlaceOfTheOneThatIsNamed) {
  const Invocation run("payagg", {"--follow", "-o", "my totals"}, {"a", "log", "b", "log"});
  EXPECT_EQ(run.with_input("log", {"/log.1", "/log"}),
            "payagg --follow -o 'my totals' a log b /log.1 /log")
      << "the last of that name";
  EXPECT_EQ(run.with_input("a", {}), "payagg --follow -o 'my totals' log b log");
  EXPECT_EQ(run.with_input("-", {"x"}), "payagg --follow -o 'my totals' a log b log x");
}

TEST(Invocation, HasStdinInThePlaceOfAnInput) {
  const Invocation run("payagg", {"--user-field="}, {"a", "b.gz", "-c"});
  EXPECT_EQ(run.with_stdin_for("b.gz"), "payagg --user-field= a - ./-c");
}

TEST(Invocation, NeedsNoWordForStdinWhereThatIsAllItReads) {
  EXPECT_EQ(Invocation("t").with_stdin_for("a"), "t");
  EXPECT_EQ(Invocation("t", {"-q"}).with_stdin_for("-"), "t -q");
  EXPECT_EQ(Invocation("t", {"-q"}, {"a"}).with_stdin_for("a"), "t -q");
  EXPECT_EQ(Invocation("t", {"-q"}, {"-"}).with_stdin_for("-"), "t -q");
  EXPECT_EQ(Invocation("t", {}, {"a", "-"}).with_stdin_for("-"), "t a -");
}

TEST(Invocation, HasStdinOnce) {
  const Invocation run("t", {}, {"a", "-"});
  EXPECT_TRUE(run.names_stdin());
  EXPECT_EQ(run.with_stdin_for("a"), std::nullopt);
}

}  // namespace
}  // namespace paystats::base
