// The chunked transfer coding of a request's body (RFC 9112, section 7.1), by its bytes: what a
// proxy in between might read in another way is refused. Private to this room.
//
//   ChunkDecoder decoder(body_bytes_max);
//   for (std::string_view data; decoder.next(input, data) == ChunkDecoder::Status::kData;) ...
//   if (decoder.status() == ChunkDecoder::Status::kMore) ...       // `input` is used up: read on
//
// A chunk is its size in 1 to 8 hexadecimal digits, CRLF, its bytes, CRLF. The last one has the
// size 0 and a CRLF behind it. There are no extensions and no trailer fields: nothing that they
// could say is of use here, and they are where programs differ. Framing is bounded as the body is:
// chunks of one byte each soon end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace paystats::http {

class ChunkDecoder {
 public:
  enum class Status {
    kData,       // a piece of the body
    kMore,       // all that was there has been read
    kEnd,        // the body is whole; what is left of the input follows it
    kTooLarge,   // more than the body may have
    kMalformed,  // see flaw()
  };
  static constexpr uint64_t kFramingBytesMax = 64 << 10;  // beyond the bytes of the body

  explicit ChunkDecoder(uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Takes what it reads from the front of `input`; `data` points into it.
  Status next(std::string_view& input, std::string_view& data);

  Status status() const { return status_; }
  const char* flaw() const { return flaw_; }

 private:
  enum class Place {
    kSize,
    kSizeLineFeed,
    kData,
    kDataReturn,
    kDataLineFeed,
    kEndReturn,
    kEndLineFeed
  };

  Status read_byte(char c);
  Status read_size(char c);
  Status expect(char c, char expected, Place then);
  Status fail(const char* flaw);

  const uint64_t body_bytes_max_;
  Status status_ = Status::kMore;
  Place place_ = Place::kSize;
  unsigned digits_ = 0;
  uint64_t size_ = 0;  // of the chunk, then what is left of it
  uint64_t body_bytes_ = 0;
  uint64_t framing_bytes_ = 0;
  const char* flaw_ = nullptr;
};

}  // namespace paystats::http
