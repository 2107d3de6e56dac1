#include "api/static_files.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "unit/api/requests.h"

namespace paystats::api {
namespace {

std::string unpacked(std::string_view gzip) {
  z_stream stream = {};
  EXPECT_EQ(::inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  return out;
}

TEST(AcceptsGzip, ByTheRulesOfHttp) {
  for (const char* yes : {"gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "deflate,gzip ; q=1",
                          "gzip;q=0.001"}) {
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  }
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000, br", "identity", "*", "xgzip"}) {
    EXPECT_FALSE(accepts_gzip(no)) << no;
  }
}

TEST(StaticFiles, WhatGzipMakesSmallerHasThatFormAsWell) {
  StaticFiles files;
  const std::string page(10'000, 'x');
  files.add("index.html", page);
  files.add("dot.png", "\x89PNG");
  const StaticFiles::File* const file = files.find("index.html");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(*file->body, page);
  ASSERT_TRUE(file->gzip);
  EXPECT_EQ(unpacked(*file->gzip->body), page);
  EXPECT_NE(file->etag, file->gzip->etag);
  EXPECT_NE(file->fields.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_EQ(file->fields.find("Content-Encoding"), std::string::npos);
  EXPECT_NE(file->gzip->fields.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(file->gzip->fields.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_FALSE(files.find("dot.png")->gzip);
}

TEST(StaticFiles, EachFormHasItsOwnTag) {
  StaticFiles files;
  files.add("index.html", std::string(10'000, 'x'));
  const std::string plain = files.find("index.html")->etag;
  const std::string packed = files.find("index.html")->gzip->etag;
  const Router router(RouterOptions{}, std::move(files));
  const auto status = [&](std::string_view encoding, std::string_view tag) {
    const Action action =
        router.route(request("GET", "/", {{"Accept-Encoding", encoding}, {"If-None-Match", tag}}));
    return std::get<HttpResponse>(action).status;
  };
  EXPECT_EQ(status("gzip", packed), 304);
  EXPECT_EQ(status("gzip", plain), 200);
  EXPECT_EQ(status("", plain), 304);
  EXPECT_EQ(status("", packed), 200);
}

}  // namespace
}  // namespace paystats::api
