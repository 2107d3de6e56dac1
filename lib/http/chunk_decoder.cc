#include "http/chunk_decoder.h"

#include <algorithm>
#include <charconv>

namespace paystats::http {
namespace {

constexpr unsigned kDigitsMax = 8;

}  // namespace

ChunkDecoder::Status ChunkDecoder::next(std::string_view& input, std::string_view& data) {
  while (!input.empty()) {
    if (place_ == Place::kData) {
      data = input.substr(0, static_cast<size_t>(std::min<uint64_t>(size_, input.size())));
      input.remove_prefix(data.size());
      size_ -= data.size();
      if (size_ == 0) place_ = Place::kDataReturn;
      return status_ = Status::kData;
    }
    status_ = read_byte(input.front());
    input.remove_prefix(1);
    if (status_ != Status::kMore) return status_;
    if (++framing_bytes_ > kFramingBytesMax + body_bytes_) {
      return status_ = fail("chunk: more framing than there may be: send larger ones");
    }
  }
  return status_ = Status::kMore;
}

ChunkDecoder::Status ChunkDecoder::read_byte(char c) {
  switch (place_) {
    case Place::kSize:
      return read_size(c);
    case Place::kSizeLineFeed:
      digits_ = 0;
      return expect(c, '\n', size_ > 0 ? Place::kData : Place::kEndReturn);
    case Place::kDataReturn:
      return expect(c, '\r', Place::kDataLineFeed);
    case Place::kDataLineFeed:
      return expect(c, '\n', Place::kSize);
    case Place::kEndReturn:
      return expect(c, '\r', Place::kEndLineFeed);
    case Place::kEndLineFeed:
      return c == '\n' ? Status::kEnd : fail("chunk: no CRLF where one must be");
    case Place::kData:
      break;
  }
  return Status::kMore;
}

ChunkDecoder::Status ChunkDecoder::read_size(char c) {
  if (c == '\r' && digits_ > 0) {
    if (size_ > body_bytes_max_ - body_bytes_) return Status::kTooLarge;
    body_bytes_ += size_;
    place_ = Place::kSizeLineFeed;
    return Status::kMore;
  }
  unsigned digit = 0;
  const auto [stop, error] = std::from_chars(&c, &c + 1, digit, 16);
  if (error != std::errc{} || ++digits_ > kDigitsMax) {
    return fail("chunk: its size is not 1 to 8 hexadecimal digits alone");
  }
  size_ = 16 * size_ + digit;
  return Status::kMore;
}

ChunkDecoder::Status ChunkDecoder::expect(char c, char expected, Place then) {
  if (c != expected) return fail("chunk: no CRLF where one must be");
  place_ = then;
  return Status::kMore;
}

ChunkDecoder::Status ChunkDecoder::fail(const char* flaw) {
  flaw_ = flaw;
  return Status::kMalformed;
}

}  // namespace paystats::http
