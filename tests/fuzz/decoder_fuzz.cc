// A libFuzzer target: both paths of the decoder on any bytes, as lines and as one text. They must
// agree on every record, and what is accepted must be within the rules.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "record/decoder.h"

namespace paystats {
namespace {

// Not assert(): it must hold in any build.
void demand(bool condition) {
  if (!condition) std::abort();
}

bool same(const Payment& a, const Payment& b) {
  return a.user == b.user && a.amount == b.amount;
}
bool same(const Batch& a, const Batch& b) {
  return a.user == b.user && a.amount == b.amount && a.amount_text == b.amount_text &&
         a.volume == b.volume;
}
bool same(const Stats& a, const Stats& b) {
  return a.user == b.user && a.sum == b.sum && a.count == b.count && a.at == b.at;
}

template <class Record>
void compare_lines(std::string_view block, const FieldNames& names) {
  LineDecoder<Record> fast(names);
  LineDecoder<Record> general(names, DecodePath::kGeneral);
  DecodedLines<Record> a;
  DecodedLines<Record> b;
  while (!block.empty()) {
    const size_t bytes = fast.decode(block, a);
    demand(bytes > 0 && bytes == general.decode(block, b));
    demand(a.lines == b.lines && a.records == b.records && a.rows.size() == b.rows.size());
    for (size_t i = 0; i < a.rows.size(); ++i) {
      demand(a.rows[i].line == b.rows[i].line && same(a.rows[i].record, b.rows[i].record));
      const std::string_view user = a.rows[i].record.user;
      demand(!user.empty() && user.size() <= kUserBytesMax && is_valid_utf8(user));
    }
    for (size_t i = 0; i < a.bad.size(); ++i) {
      demand(a.bad[i].line == b.bad[i].line && a.bad[i].flaw == b.bad[i].flaw);
      demand(a.bad[i].text == b.bad[i].text && a.bad[i].flaw != Flaw::kNone);
    }
    block.remove_prefix(bytes);
  }
}

template <class Record>
void compare_one(std::string_view text, const FieldNames& names) {
  LineDecoder<Record> fast(names);
  LineDecoder<Record> general(names, DecodePath::kGeneral);
  Record a;
  Record b;
  const Flaw flaw = fast.decode_one(text, a);
  demand(flaw == general.decode_one(text, b));
  demand(flaw != Flaw::kNone || same(a, b));
}

}  // namespace
}  // namespace paystats

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace paystats;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const FieldNames& names : {FieldNames{}, FieldNames{"a", "\xC3\xA9"}}) {
    compare_lines<Payment>(text, names);
    compare_lines<Batch>(text, names);
    compare_lines<Stats>(text, names);
    compare_one<Payment>(text, names);
    compare_one<Batch>(text, names);
    compare_one<Stats>(text, names);
  }
  return 0;
}
