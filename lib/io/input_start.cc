#include "io/input_start.h"

#include <fmt/format.h>

#include <cassert>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "record/foreign.h"

namespace paystats::io {
namespace {

using record::Flaw;

struct Conversion {
  std::string_view what;     // the input is
  std::string_view command;  // the filter that makes lines of it
};

Conversion conversion_of(Flaw form, std::string_view begin) {
  // Where there is a mark, that says the order of the bytes.
  const bool marked = !begin.empty() && static_cast<unsigned char>(begin[0]) >= 0xFE;
  const bool nul_first = begin.starts_with('\0');
  const bool is_array = begin.find_first_of("[{") == begin.find('[');
  switch (form) {
    case Flaw::kUtf16:
      return {"is UTF-16, and UTF-8 is wanted", marked      ? "iconv -f UTF-16 -t UTF-8"
                                                : nul_first ? "iconv -f UTF-16BE -t UTF-8"
                                                            : "iconv -f UTF-16LE -t UTF-8"};
    case Flaw::kUtf32:
      return {"is UTF-32, and UTF-8 is wanted", marked      ? "iconv -f UTF-32 -t UTF-8"
                                                : nul_first ? "iconv -f UTF-32BE -t UTF-8"
                                                            : "iconv -f UTF-32LE -t UTF-8"};
    case Flaw::kGzip:
      return {"is compressed by gzip", "zcat"};
    case Flaw::kZstd:
      return {"is compressed by zstd", "zstdcat"};
    case Flaw::kXz:
      return {"is compressed by xz", "xzcat"};
    case Flaw::kBzip2:
      return {"is compressed by bzip2", "bzcat"};
    default:
      assert(form == Flaw::kSeveralLines);
      return {"is JSON over several lines, and one object a line is wanted",
              is_array ? "jq -c '.[]'" : "jq -c ."};
  }
}

// A name that a shell takes as it is; others are for the reader to quote.
bool is_plain_word(std::string_view name) {
  return name.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789/._+:@%,=-") == std::string_view::npos &&
         !name.starts_with('-');
}

std::string refusal(std::string_view source, const Conversion& conversion, std::string_view tool) {
  if (source == "-") {
    return fmt::format("stdin: {}: ... | {} | {}", conversion.what, conversion.command, tool);
  }
  return fmt::format("{}: {}: {} {} | {}", source, conversion.what, conversion.command,
                     is_plain_word(source) ? source : "FILE", tool);
}

}  // namespace

base::Result<void> begin_input(Block& block, base::Diagnostics& diagnostics) {
  assert(block.begins_input);
  const std::string_view name = block.source == "-" ? "stdin" : block.source;
  if (block.bytes.starts_with(base::kByteOrderMark)) {
    diagnostics.note(fmt::format("{}: begins with a byte-order mark, which was skipped", name));
    block.bytes.remove_prefix(base::kByteOrderMark.size());
    if (block.long_line_bytes != 0) block.long_line_bytes -= base::kByteOrderMark.size();
  }
  const Flaw form = record::foreign_input(block.bytes);
  if (form == Flaw::kNone) return {};
  return base::fail(refusal(block.source, conversion_of(form, block.bytes), diagnostics.tool()));
}

}  // namespace paystats::io
