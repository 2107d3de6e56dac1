// A libFuzzer target: all paths of the decoder on any bytes, as lines and as one text. They must
// agree on every record, and what is accepted must be within the rules.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "record/decoder.h"

namespace paystats::record {
namespace {

// Not assert(): it must hold in any build.
void demand(bool condition) {
  if (!condition) std::abort();
}

bool same(const Payment& a, const Payment& b) {
  return a.user == b.user && a.sum == b.sum && a.count == b.count;
}
bool same(const Batch& a, const Batch& b) {
  return a.user == b.user && a.amount == b.amount && a.amount_text == b.amount_text &&
         a.volume == b.volume;
}
bool same(const Stats& a, const Stats& b) {
  return a.user == b.user && a.sum == b.sum && a.count == b.count && a.at == b.at;
}

// Both decoders of a record and their memory, kept from one input to the next.
template <class Record>
class BothPaths {
 public:
  explicit BothPaths(const FieldNames& names)
      : fast_(names), general_(names, DecodePath::kGeneral) {}

  void compare(std::string_view bytes) {
    compare_one(bytes);
    compare_block(bytes);
    // Again and again, so that the layout of its lines is learned, and its end lies far enough from
    // that of the block for the fastest path.
    again_.clear();
    for (int i = 0; i < 3; ++i) again_.append(bytes).append("\n");
    again_.append(64, ' ');
    compare_block(again_);
  }

 private:
  void compare_block(std::string_view block) {
    while (!block.empty()) block.remove_prefix(compare_lines(block));
  }

  size_t compare_lines(std::string_view block) {
    const size_t bytes = fast_.decode(block, a_);
    demand(bytes > 0 && bytes == general_.decode(block, b_));
    demand(a_.lines == b_.lines && a_.records == b_.records && a_.rows.size() == b_.rows.size());
    for (size_t i = 0; i < a_.rows.size(); ++i) {
      demand(a_.rows[i].line == b_.rows[i].line && same(a_.rows[i].record, b_.rows[i].record));
      const std::string_view user = a_.rows[i].record.user;
      demand(!user.empty() && user.size() <= kUserBytesMax && base::is_valid_utf8(user));
    }
    for (size_t i = 0; i < a_.rejected.size(); ++i) {
      demand(a_.rejected[i].line == b_.rejected[i].line &&
             a_.rejected[i].flaw == b_.rejected[i].flaw &&
             a_.rejected[i].element == b_.rejected[i].element);
      demand(a_.rejected[i].text == b_.rejected[i].text && a_.rejected[i].flaw != Flaw::kNone);
    }
    return bytes;
  }

  void compare_one(std::string_view text) {
    Record a;
    Record b;
    const Flaw flaw = fast_.decode_one(text, a);
    demand(flaw == general_.decode_one(text, b));
    demand(flaw != Flaw::kNone || same(a, b));
  }

  LineDecoder<Record> fast_;
  LineDecoder<Record> general_;
  DecodedLines<Record> a_;
  DecodedLines<Record> b_;
  std::string again_;
};

struct AllRecords {
  explicit AllRecords(const FieldNames& names) : payments(names), batches(names), stats(names) {}

  void compare(std::string_view bytes) {
    payments.compare(bytes);
    batches.compare(bytes);
    stats.compare(bytes);
  }

  BothPaths<Payment> payments;
  BothPaths<Batch> batches;
  BothPaths<Stats> stats;
};

}  // namespace
}  // namespace paystats::record

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace paystats::record;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static AllRecords usual(FieldNames{});
  static AllRecords unusual(FieldNames{"a", "\xC3\xA9"});
  usual.compare(text);
  unusual.compare(text);
  return 0;
}
