// What is told once of payments that are taken, or ignored, as their sender may not have meant.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <type_traits>

#include "io/reject_log.h"
#include "record/decoder.h"
#include "record/flaw.h"

namespace paystats::io {

inline void notice_foreign_volume(RejectLog& log, const record::FieldNames& fields,
                                  std::string_view source) {
  log.notice(RejectLog::Notice::kForeignVolume,
             fmt::format("{}: '{}' is ignored, since user or amount have other names: "
                         "--volume-field {} reads it, --volume-field '' says that it is none",
                         source, fields.foreign_volume, fields.foreign_volume));
}

template <class Record>
inline constexpr bool kReadsGroups = std::is_same_v<Record, record::Payment>;

template <class Record>
bool has_batches(const record::DecodedLines<Record>& lines) {
  if constexpr (kReadsGroups<Record>) {
    return lines.groups > 0 || std::any_of(lines.rows.begin(), lines.rows.end(),
                                           [](const auto& row) { return row.record.count > 1; });
  }
  return false;
}

// `met`: whether one was met before; the first is told.
template <class Record>
void notice_batch(const record::DecodedLines<Record>& lines, bool& met, RejectLog& log,
                  std::string_view source) {
  if (met || !has_batches(lines)) return;
  met = true;
  log.notice(RejectLog::Notice::kBatchInTopic,
             fmt::format("{}: has batches or groups, which count as all their payments; to "
                         "versions before they were rejects",
                         source));
}

}  // namespace paystats::io
