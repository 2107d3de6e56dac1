#include "cache/stats_batch.h"

#include <functional>

namespace paystats::cache {
namespace {

bool is_within(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> not_after;
  return not_after(whole.data(), part.data()) &&
         not_after(part.data() + part.size(), whole.data() + whole.size());
}

}  // namespace

void StatsBatch::clear() {
  rows.clear();
  tombstones.clear();
  begins_anew = false;
  bytes_.clear();
  decoded_.clear();
  places_.clear();
}

// `value_of(row)` is the text that the row was made of, and where its copy begins in bytes_.
template <class ValueOf>
void StatsBatch::copy_rows(std::span<const Row> from, ValueOf&& value_of) {
  size_t decoded_bytes = 0;
  for (const Row& row : from) {
    if (!is_within(row.record.user, value_of(row).first)) decoded_bytes += row.record.user.size();
  }
  decoded_.reserve(decoded_bytes);  // it must not move below
  for (const Row& row : from) {
    record::Stats record = row.record;
    const std::string_view user = record.user;
    const auto [value, begin] = value_of(row);
    if (is_within(user, value)) {
      const auto at = begin + static_cast<size_t>(user.data() - value.data());
      record.user = std::string_view(bytes_).substr(at, user.size());
    } else {
      const size_t at = decoded_.size();
      decoded_ += user;
      record.user = std::string_view(decoded_).substr(at, user.size());
    }
    rows.push_back({record, row.line});
  }
}

void StatsBatch::assign(const io::DecodedChunk<record::Stats>& chunk) {
  clear();
  bytes_ = chunk.bytes;
  source_ = chunk.source;
  first_line_ = chunk.first_line;
  copy_rows(chunk.lines.rows,
            [&](const Row& /*row*/) { return std::pair(chunk.bytes, size_t{0}); });
}

void StatsBatch::assign(const io::DecodedRun<record::Stats>& run) {
  clear();
  source_ = run.source;
  for (const io::Message& message : run.messages) {
    const std::string_view value = message.value.value_or(std::string_view());
    places_.push_back({bytes_.size(), value.size(), message.at});
    bytes_ += value;
  }
  copy_rows(run.lines.rows, [&](const Row& row) {
    return std::pair(*run.messages[row.line].value, places_[row.line].begin);
  });
}

void StatsBatch::assign(std::span<const io::Message> nulls, std::string_view topic) {
  clear();
  source_ = topic;
  for (const io::Message& null : nulls) bytes_ += null.key;
  size_t begin = 0;
  for (const io::Message& null : nulls) {
    tombstones.push_back({std::string_view(bytes_).substr(begin, null.key.size()), null.at});
    begin += null.key.size();
  }
}

void StatsBatch::assign_beginning() {
  clear();
  begins_anew = true;
}

record::Reject StatsBatch::reject(const Row& row, std::string_view error) const {
  if (!places_.empty()) {
    const Place& place = places_[row.line];
    const std::string_view value = std::string_view(bytes_).substr(place.begin, place.size);
    return {.source = source_,
            .line = 0,
            .at = place.at,
            .error = error,
            .record = value,
            .record_bytes = value.size()};
  }
  const std::string_view text = io::nth_line(bytes_, row.line);
  return {.source = source_,
          .line = first_line_ + row.line,
          .at = {},
          .error = error,
          .record = text,
          .record_bytes = text.size()};
}

record::Reject StatsBatch::reject(const Tombstone& tombstone, std::string_view error) const {
  return {.source = source_,
          .line = 0,
          .at = tombstone.at,
          .error = error,
          .record = tombstone.user,
          .record_bytes = tombstone.user.size()};
}

}  // namespace paystats::cache
