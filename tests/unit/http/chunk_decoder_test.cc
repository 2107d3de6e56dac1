#include "http/chunk_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace paystats::http {
namespace {

using Status = ChunkDecoder::Status;

struct Decoded {
  Status status = Status::kMore;
  std::string body;
  std::string rest;
};

// In pieces of so many bytes, as reads have them.
Decoded decode(const std::string& wire, size_t piece = 1000, uint64_t body_bytes_max = 1000) {
  ChunkDecoder decoder(body_bytes_max);
  Decoded decoded;
  for (size_t at = 0; at < wire.size(); at += piece) {
    std::string_view input = std::string_view(wire).substr(at, piece);
    std::string_view data;
    while ((decoded.status = decoder.next(input, data)) == Status::kData) decoded.body += data;
    if (decoded.status == Status::kMore) continue;
    decoded.rest = std::string(input) + wire.substr(std::min(at + piece, wire.size()));
    break;
  }
  return decoded;
}

TEST(ChunkDecoder, PutsChunksTogetherWhereverTheyAreCut) {
  const std::string wire =
      "4\r\n{\"us\r\nA\r\ner\":\"a\"}\r\n\r\n00b\r\n01234567890\r\n0\r\n\r\nGET /";
  for (size_t piece = 1; piece <= wire.size(); ++piece) {
    const Decoded decoded = decode(wire, piece);
    EXPECT_EQ(decoded.status, Status::kEnd) << piece;
    EXPECT_EQ(decoded.body, "{\"user\":\"a\"}\r\n01234567890") << piece;
    EXPECT_EQ(decoded.rest, "GET /") << piece;
  }
}

TEST(ChunkDecoder, WhatIsNotWholeWaitsForMore) {
  const std::string wire = "3\r\nabc\r\n0\r\n\r\n";
  for (size_t size = 0; size < wire.size(); ++size) {
    EXPECT_EQ(decode(wire.substr(0, size)).status, Status::kMore) << size;
  }
}

TEST(ChunkDecoder, OtherFramingIsRefused) {
  for (const char* wire : {"3;a=b\r\nabc\r\n0\r\n\r\n",
                           "3 \r\nabc\r\n0\r\n\r\n",
                           " 3\r\nabc\r\n0\r\n\r\n",
                           "3\t\r\nabc\r\n0\r\n\r\n",
                           "0x3\r\nabc\r\n0\r\n\r\n",
                           "+3\r\nabc\r\n0\r\n\r\n",
                           "-3\r\nabc\r\n0\r\n\r\n",
                           "3\nabc\r\n0\r\n\r\n",
                           "3\r\nabc\n0\r\n\r\n",
                           "3\r\nabc0\r\n\r\n",
                           "3\r\nabcd\r\n0\r\n\r\n",
                           "3\r\nab\r\n0\r\n\r\n",
                           "\r\nabc\r\n",
                           "g\r\nabc\r\n",
                           "000000003\r\nabc\r\n0\r\n\r\n",
                           "3\r\nabc\r\n0\r\nX: y\r\n\r\n",
                           "3\r\nabc\r\n0\r\n\n",
                           "3\r\nabc\r\n0\n\n",
                           "3\rabc\r\n0\r\n\r\n",
                           "3\r\r\nabc\r\n",
                           "3\r\nabc\r\n\r\n0\r\n\r\n",
                           "3\r\nabc\r\n0;\r\n\r\n",
                           "1_0\r\n"}) {
    EXPECT_EQ(decode(wire).status, Status::kMalformed) << wire;
    EXPECT_EQ(decode(wire, 1).status, Status::kMalformed) << wire;
  }
}

TEST(ChunkDecoder, TheBodyIsBoundedByItsBytesAndAnnouncedOnesCount) {
  EXPECT_EQ(decode("5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n", 1000, 10).status, Status::kEnd);
  EXPECT_EQ(decode("5\r\nabcde\r\n6\r\n", 1000, 10).status, Status::kTooLarge);
  EXPECT_EQ(decode("ffffffff\r\n", 1000, 10).status, Status::kTooLarge);
}

TEST(ChunkDecoder, FramingIsBounded) {
  std::string wire;
  for (int i = 0; i < 10'000; ++i) wire += "1\r\nx\r\n";
  EXPECT_EQ(decode(wire + "0\r\n\r\n", 4096, 1 << 20).status, Status::kEnd);
  for (int i = 0; i < 10'000; ++i) wire += "1\r\nx\r\n";
  EXPECT_EQ(decode(wire + "0\r\n\r\n", 4096, 1 << 20).status, Status::kMalformed);
}

}  // namespace
}  // namespace paystats::http
