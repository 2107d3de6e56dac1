// Stats on their way from the thread that reads them to the event loop: a batch of rows that own
// what they point into, one of tombstones, or the word that all batches before are void.
//
//   batch.assign(chunk);                   // lines, or a run of messages
//   view.apply(batch.rows, rejected);
//   rejects.add(batch.reject(*rejected[0].row, "sum: overflow"));
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/decode_block.h"
#include "io/decode_messages.h"
#include "io/message_source.h"
#include "record/payment.h"

namespace paystats::cache {

struct StatsBatch {
  using Row = record::DecodedLines<record::Stats>::Row;
  struct Tombstone {
    std::string_view user;
    record::SourceOffset at;
  };

  // Either at most DecodedLines<Stats>::kRowsMax rows, or any number of tombstones.
  std::vector<Row> rows;  // their users point into `bytes` or `decoded`
  std::vector<Tombstone> tombstones;
  bool begins_anew = false;  // without rows and tombstones

  // Copies the rows, so they own their bytes; memory is reused.
  void assign(const io::DecodedChunk<record::Stats>& chunk);
  void assign(const io::DecodedRun<record::Stats>& run);
  void assign(std::span<const io::Message> nulls, std::string_view topic);
  void assign_beginning();

  // A row, or a tombstone, as a reject, for one that turns out not to be acceptable.
  record::Reject reject(const Row& row, std::string_view error) const;
  record::Reject reject(const Tombstone& tombstone, std::string_view error) const;

 private:
  struct Place {
    size_t begin = 0;  // of the value in bytes_
    size_t size = 0;
    record::SourceOffset at;
  };

  void clear();
  template <class ValueOf>
  void copy_rows(std::span<const Row> from, ValueOf&& value_of);

  std::string bytes_;    // what the rows were made of
  std::string decoded_;  // users that had escapes
  std::string source_;
  uint64_t first_line_ = 1;    // of lines
  std::vector<Place> places_;  // of messages
};

}  // namespace paystats::cache
