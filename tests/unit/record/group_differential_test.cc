// Lines that are groups, or almost so, against nlohmann/json: the same verdict, and the same rows.
// PAYSTATS_FUZZ_SEED and PAYSTATS_FUZZ_LINES choose other lines, and more.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "record/decoder.h"
#include "unit/record/decode_support.h"
#include "unit/record/line_maker.h"
#include "unit/record/nlohmann_oracle.h"
#include "unit/sanitized.h"

namespace paystats::record {
namespace {

constexpr uint64_t kGroupsDefault = kSanitized ? 2000 : 20000;

// A value with all that it holds, duplicates too.
struct Tree {
  enum class Kind { kString, kNumber, kArray, kObject, kOther } kind = Kind::kOther;
  std::string text;
  std::vector<std::pair<std::string, Tree>> members;  // of an array without names

  size_t times(const std::string& name) const {
    return static_cast<size_t>(std::count_if(
        members.begin(), members.end(), [&](const auto& member) { return member.first == name; }));
  }
};

class TreeMaker : public nlohmann::json_sax<nlohmann::json> {
 public:
  Tree root;
  bool overflow = false;  // a number beyond a double's range, which the library refuses

  bool null() override { return add({}); }
  bool boolean(bool) override { return add({}); }
  bool number_integer(int64_t value) override {
    // It says 0 for -0, the only integer whose sign is lost.
    return add({Tree::Kind::kNumber, value == 0 ? "-0" : std::to_string(value), {}});
  }
  bool number_unsigned(uint64_t value) override {
    return add({Tree::Kind::kNumber, std::to_string(value), {}});
  }
  bool number_float(double, const std::string& text) override {
    return add({Tree::Kind::kNumber, text, {}});
  }
  bool string(std::string& text) override { return add({Tree::Kind::kString, text, {}}); }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Tree::Kind::kObject); }
  bool start_array(size_t) override { return open(Tree::Kind::kArray); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    open_.back().first = name;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    overflow = error.id == 406;
    return false;
  }

 private:
  bool open(Tree::Kind kind) {
    open_.push_back({"", {kind, "", {}}});
    return open_.size() <= static_cast<size_t>(kNestingMax);
  }
  bool close() {
    Tree closed = std::move(open_.back().second);
    open_.pop_back();
    return add(std::move(closed));
  }
  bool add(Tree value) {
    if (open_.empty()) {
      root = std::move(value);
    } else {
      open_.back().second.members.emplace_back(open_.back().first, std::move(value));
    }
    return true;
  }

  std::vector<std::pair<std::string, Tree>> open_;  // each with the name of its next member
};

std::optional<Decoded> payment_of(const Tree& tree) {
  if (tree.kind != Tree::Kind::kObject) return std::nullopt;
  oracle::Handler handler;
  for (const auto& [name, value] : tree.members) {
    const auto kind = value.kind == Tree::Kind::kString   ? oracle::Value::Kind::kString
                      : value.kind == Tree::Kind::kNumber ? oracle::Value::Kind::kNumber
                                                          : oracle::Value::Kind::kOther;
    handler.fields[name].push_back({kind, value.text});
  }
  return oracle::record_of<Payment>(oracle::Fields(handler));
}

// What is to be counted of a line: nothing where it is a reject.
std::vector<Decoded> rows_of(const Tree& tree) {
  const Tree* array = &tree;
  if (tree.kind == Tree::Kind::kObject) {
    const bool is_payment = tree.times("user") > 0 || tree.times("paymentAmt") > 0;
    if (is_payment || tree.times(kGroupField) == 0) {
      const std::optional<Decoded> payment = payment_of(tree);
      return payment ? std::vector{*payment} : std::vector<Decoded>();
    }
    if (tree.times(kGroupField) > 1) return {};
    array = &std::find_if(tree.members.begin(), tree.members.end(), [](const auto& member) {
               return member.first == kGroupField;
             })->second;
  }
  if (array->kind != Tree::Kind::kArray) return {};
  std::vector<Decoded> rows;
  for (const auto& [unnamed, element] : array->members) {
    const std::optional<Decoded> payment = payment_of(element);
    if (!payment) return {};
    rows.push_back(*payment);
  }
  return rows;
}

class GroupMaker {
 public:
  explicit GroupMaker(uint64_t seed) : lines_(seed), random_(seed) {}

  std::string line() {
    const size_t size = random_() % 5 == 0 ? random_() % 150 : random_() % 4;
    const bool right = random_() % 2 == 0;
    std::string array = "[";
    for (size_t i = 0; i < size; ++i) array += (i == 0 ? "" : ",") + element(right);
    array += "]";
    std::string text = wrapped(array);
    if (random_() % 3 == 0) change(text);
    return text;
  }

 private:
  std::string element(bool right) {
    std::string text = lines_.batch(false);
    while (right && !oracle::judge<Payment>(text).record) text = lines_.batch(false);
    return text;
  }

  std::string wrapped(const std::string& array) {
    switch (random_() % 10) {
      case 0:
        return R"({"time":"t","payments" : )" + array + R"(,"volume":0})";
      case 1:
        return R"({"payment\u0073":)" + array + "}";
      case 2:
        return R"({"payments":)" + array + R"(,"payments":[]})";
      case 3:
        return R"({"payments":)" + array + R"(,"user":"a","paymentAmt":1})";
      case 4:
        return "[" + array + "]";
      case 5:
        return R"({"other":)" + array + "}";
      case 6:
      case 7:
        return R"({"payments":)" + array + "}";
      default:
        return array;
    }
  }

  void change(std::string& text) {
    constexpr std::string_view kBytes = "{}[],:\"\\ 0e-.\x1f\x80";
    for (uint64_t changes = random_() % 3 + 1; changes > 0; --changes) {
      const size_t at = random_() % (text.size() + 1);
      text.replace(at, random_() % 2, random_() % 3, kBytes[random_() % kBytes.size()]);
    }
  }

  LineMaker lines_;
  std::mt19937_64 random_;
};

// The rows of the only line of the block.
std::vector<Decoded> rows_by(LineDecoder<Payment>& decoder, const std::string& block) {
  DecodedLines<Payment> lines;
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  EXPECT_EQ(lines.rejected.size(), lines.rows.empty() ? 1U : 0U) << block;
  std::vector<Decoded> rows;
  for (const auto& row : lines.rows) {
    EXPECT_EQ(row.line, 0U);
    rows.push_back(keep(row.record));
  }
  return rows;
}

TEST(GroupDifferential, GroupsAreJudgedAsNlohmannJsonDoes) {
  GroupMaker maker(from_environment("PAYSTATS_FUZZ_SEED", 1) + 4000003);
  LineDecoder<Payment> fast(FieldNames{});
  LineDecoder<Payment> general(FieldNames{}, DecodePath::kGeneral);
  const uint64_t lines = from_environment("PAYSTATS_FUZZ_LINES", kGroupsDefault);
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  for (uint64_t made = 0; made < lines; ++made) {
    const std::string text = maker.line();
    TreeMaker tree;
    const bool parsed = nlohmann::json::sax_parse(text, &tree);
    if (tree.overflow || text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const bool is_json = parsed && text.find('\0') == std::string::npos;
    const std::vector<Decoded> right = is_json ? rows_of(tree.root) : std::vector<Decoded>();
    ASSERT_EQ(rows_by(fast, text + "\n"), right) << "line " << made << ": " << text;
    ASSERT_EQ(rows_by(general, text + "\n"), right) << "line " << made << ": " << text;
    ++(right.empty() ? rejected : accepted);
  }
  EXPECT_GT(accepted * 5, lines) << "too few lines are valid to prove much";
  EXPECT_GT(rejected * 5, lines) << "too few lines are not";
}

}  // namespace
}  // namespace paystats::record
