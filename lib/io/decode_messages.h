// The loop of decode_block.h for messages: a block of them becomes rows for the tool and rejects
// for the log, each with its partition and offset.
//
//   MessageDecoder<Payment> decoder(FieldNames{}, rejects);
//   Result<void> done = decoder.decode(block, [&](const DecodedRun<Payment>& run) {
//     for (const auto& row : run.lines.rows) {
//       if (take(row.record, run.messages[row.line].at)) continue;
//       return decoder.reject(run, row.line, Flaw::kSumOverflow);
//     }
//     return Result<void>();
//   });
//
// A row's `line` is the index of its message in the run. A message without a value is a reject,
// unless the tool says what it means: then it is handed on in order, as a run of its own. Rejects
// are logged in order. Rows live until the next run. A frame is no part of a record or a reject.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "io/message_source.h"
#include "io/record_notices.h"
#include "io/reject_log.h"
#include "io/reject_order.h"
#include "record/decoder.h"
#include "record/foreign.h"

namespace paystats::io {

// What the decoder made of messages of a block that follow each other. All are non-owning views.
template <class Record>
struct DecodedRun {
  const record::DecodedLines<Record>& lines;  // each `line` of a row is an index of `messages`
  std::span<const Message> messages;
  std::string_view source;
};

template <class Record>
class MessageDecoder {
 public:
  // `rejects` is borrowed.
  MessageDecoder(record::FieldNames names, RejectLog& rejects, Framing framing = Framing::kNone)
      : names_(std::move(names)), decoder_(names_), rejects_(rejects), framing_(framing) {}

  // Calls `on_run(const DecodedRun<Record>&)`, which returns Result<void>, until the block is used
  // up or an error ends it. It may reject() any of its rows, in their order. Where a key without a
  // value means something, `on_nulls(std::span<const Message>)` is called for each run of them.
  template <class OnRun, class OnNulls = std::nullptr_t>
  base::Result<void> decode(const MessageBlock& block, OnRun&& on_run, OnNulls&& on_nulls = {}) {
    constexpr bool kTakesNulls = !std::is_same_v<std::remove_cvref_t<OnNulls>, std::nullptr_t>;
    const auto is_null = [](const Message& message) {
      return kTakesNulls && !message.value && !message.key.empty();
    };
    std::span<const Message> rest = block.messages;
    while (!rest.empty()) {
      const bool nulls = is_null(rest.front());
      const size_t most = nulls ? rest.size() : std::min(rest.size(), Lines::kRowsMax);
      size_t n = 1;
      while (n < most && is_null(rest[n]) == nulls) ++n;
      const std::span<const Message> run = rest.first(n);
      rest = rest.subspan(n);
      if constexpr (kTakesNulls) {
        if (nulls) {
          records_ += n;
          if (base::Result<void> taken = on_nulls(run); !taken) return taken;
          continue;
        }
      }
      if (base::Result<void> taken = decode_run({lines_, run, block.source}, on_run); !taken) {
        return taken;
      }
    }
    return {};
  }

  // Puts aside a row that was well formed.
  base::Result<void> reject(const DecodedRun<Record>& run, uint32_t index, record::Flaw flaw) {
    if (base::Result<void> logged = log_bad_before(index, run); !logged) return logged;
    return log(run, index, flaw);
  }

  // Accepted and rejected together: messages.
  uint64_t records() const { return records_; }

 private:
  using Lines = record::DecodedLines<Record>;

  template <class OnRun>
  base::Result<void> decode_run(const DecodedRun<Record>& run, OnRun& on_run) {
    lines_.rows.clear();
    lines_.rows.reserve(Lines::kRowsMax);
    lines_.rejected.clear();
    lines_.decoded.clear();
    lines_.groups = 0;
    for (uint32_t i = 0; i < run.messages.size(); ++i) {
      const Message& message = run.messages[i];
      if (!message.value) {
        lines_.rejected.push_back({{}, i, record::Flaw::kNullRecord});
        continue;
      }
      decoder_.append_text(text_of(*message.value, framing_), i, lines_);
    }
    lines_.lines = static_cast<uint32_t>(run.messages.size());
    lines_.records = lines_.lines;
    if (decoder_.take_foreign_volume()) notice_foreign_volume(rejects_, names_, run.source);
    notice_batch(lines_, batch_met_, rejects_, run.source);
    records_ += lines_.records;
    order_.begin();
    if (base::Result<void> taken = on_run(run); !taken) return taken;
    return log_bad_before(RejectOrder::kEnd, run);
  }

  base::Result<void> log_bad_before(uint32_t index, const DecodedRun<Record>& run) {
    return order_.log_before(index, lines_.rejected, [&](const auto& bad) {
      return log(run, bad.line, bad.flaw, bad.element);
    });
  }

  base::Result<void> log(const DecodedRun<Record>& run, uint32_t index, record::Flaw flaw,
                         const std::optional<record::GroupElement>& element = {}) {
    const Message& message = run.messages[index];
    const std::string_view text = text_of(message.value.value_or(""), framing_);
    const std::string error =
        record::describe(plain_flaw(text, flaw, kReadsGroups<Record>, element), names_, element);
    return rejects_.add({.source = run.source,
                         .line = 0,
                         .at = message.at,
                         .error = error,
                         .record = text,
                         .record_bytes = text.size()});
  }

  const record::FieldNames names_;
  record::LineDecoder<Record> decoder_;
  Lines lines_;
  RejectLog& rejects_;
  const Framing framing_;
  RejectOrder order_;
  uint64_t records_ = 0;
  bool batch_met_ = false;
};

}  // namespace paystats::io
