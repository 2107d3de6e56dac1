// What a pipeline behind paygen must come to: the exact totals of the payments that its output has
// taken, so that any pipeline can be audited.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "io/sink.h"
#include "record/payment.h"

namespace paystats::gen {

// Totals per user of batches. What is added counts once it is settled: when a flush has shown that
// the output has taken it.
class BatchTotals {
 public:
  // False where a total would overflow.
  [[nodiscard]] bool add(const record::Batch& batch);
  void settle();

  // Settled totals, in no order. The names are non-owning views that live as long as this object.
  std::vector<record::Stats> stats() const;

 private:
  struct Total {
    money::Decimal sum;
    uint64_t count = 0;
  };
  struct Entry {
    Total all;
    Total settled;
  };
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  std::unordered_map<std::string, Entry, NameHash, std::equal_to<>> entries_;
  std::vector<Entry*> unsettled_;  // nodes of a map stay where they are
};

// Writes stats lines in the order of every list (sum descending, then user by bytes) and closes
// `sink`.
base::Result<void> write_expected(std::vector<record::Stats> stats, io::Sink& sink);

}  // namespace paystats::gen
