#include "io/source.h"

#include <algorithm>
#include <string>

#include "record/payment.h"

namespace paystats::io {
namespace {

class MemorySource final : public Source {
 public:
  MemorySource(std::string bytes, size_t block_bytes, std::string name)
      : bytes_(std::move(bytes)),
        // So that only the first line of a block can be a long one.
        block_bytes_(std::clamp<size_t>(block_bytes, 1, record::kLineBytesMax)),
        name_(std::move(name)) {}

  base::Result<ReadStatus> read(Block& out, base::Instant) override {
    const std::string_view rest = std::string_view(bytes_).substr(begin_);
    if (rest.empty()) return ReadStatus::kEnd;
    const size_t first_end = rest.find('\n');
    const size_t first_bytes = std::min(first_end, rest.size());
    if (first_bytes > record::kLineBytesMax) {
      out = Block{rest.substr(0, record::kRejectRecordBytesMax), name_, begin_ == 0, first_bytes};
      begin_ += std::min(first_bytes + 1, rest.size());
      return ReadStatus::kBlock;
    }
    size_t end = rest.size();
    if (end > block_bytes_) {
      const size_t newline = rest.rfind('\n', block_bytes_ - 1);
      end = newline != rest.npos ? newline + 1 : std::min(first_bytes + 1, rest.size());
    }
    out = Block{rest.substr(0, end), name_, begin_ == 0, 0};
    begin_ += end;
    return ReadStatus::kBlock;
  }

  uint64_t bytes_read() const override { return begin_; }
  uint64_t bytes_all() const override { return bytes_.size(); }

 private:
  const std::string bytes_;
  const size_t block_bytes_;
  const std::string name_;
  size_t begin_ = 0;
};

}  // namespace

std::unique_ptr<Source> memory_source(std::string bytes, size_t block_bytes, std::string name) {
  return std::make_unique<MemorySource>(std::move(bytes), block_bytes, std::move(name));
}

}  // namespace paystats::io
