#include "record/field_options.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::record {
namespace {

using Name = std::optional<std::string>;

std::string refusal(const Name& user, const Name& amount, const Name& volume) {
  const base::Result<FieldNames> names = choose_fields({user, amount, volume});
  return names ? "" : names.error().message;
}

FieldNames names_of(const Name& user, const Name& amount, const Name& volume) {
  return choose_fields({user, amount, volume}).value_or(FieldNames{});
}

TEST(FieldOptions, AVolumeIsForeignBesideOtherNamesUnlessItIsNamed) {
  EXPECT_EQ(names_of({}, {}, {}).volume, "volume");
  EXPECT_EQ(names_of("who", {}, {}).volume, "");
  EXPECT_EQ(names_of("who", {}, {}).foreign_volume, "volume");
  EXPECT_EQ(names_of({}, "much", "volume").volume, "volume");
  EXPECT_EQ(names_of({}, "much", "volume").foreign_volume, "");
  EXPECT_EQ(names_of("who", {}, "").volume, "");
  EXPECT_EQ(names_of("who", {}, "").foreign_volume, "");
  EXPECT_EQ(names_of("volume", {}, {}).foreign_volume, "");
  EXPECT_EQ(names_of("user", "paymentAmt", {}).volume, "volume");
}

TEST(FieldOptions, TheThreeDifferAndNoneIsAPointer) {
  EXPECT_EQ(refusal("a", "b", "c"), "");
  EXPECT_EQ(refusal("a", "a", {}), "--user-field and --amount-field are the same field: a");
  EXPECT_EQ(refusal({}, {}, "user"), "--user-field and --volume-field are the same field: user");
  EXPECT_EQ(refusal("a", "b", "b"), "--amount-field and --volume-field are the same field: b");
  EXPECT_EQ(refusal({}, {}, "/volume"),
            "--volume-field /volume: names that begin with / are reserved");
}

TEST(FieldOptions, AUserAndAnAmountHaveANameAndAVolumeNeedNot) {
  EXPECT_FALSE(choose_fields({.user = "", .amount = {}, .volume = {}}));
  EXPECT_FALSE(choose_fields({.user = {}, .amount = "", .volume = {}}));
  EXPECT_TRUE(choose_fields({.user = {}, .amount = {}, .volume = ""}));
}

}  // namespace
}  // namespace paystats::record
