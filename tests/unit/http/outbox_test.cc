#include "http/outbox.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::http {
namespace {

using Tcp = loop::asio::ip::tcp;

// Two ends of a connection; the server's has a small buffer, and both never wait.
struct Connection {
  Connection() : server(context), client(context) {
    Tcp::acceptor acceptor(context, {loop::asio::ip::address_v4::loopback(), 0});
    client.open(Tcp::v4());
    client.set_option(loop::asio::socket_base::receive_buffer_size(4096));
    client.connect(acceptor.local_endpoint());
    acceptor.accept(server);
    server.set_option(loop::asio::socket_base::send_buffer_size(4096));
    server.non_blocking(true);
    client.non_blocking(true);
  }

  // Whatever is there, up to a wait that finds nothing for a while.
  void read(std::string& into) {
    char buffer[4096];
    for (;;) {
      loop::ErrorCode error;
      const size_t n = client.read_some(loop::asio::buffer(buffer), error);
      if (error) return;
      into.append(buffer, n);
    }
  }

  loop::asio::io_context context;
  loop::StreamSocket server;
  Tcp::socket client;
};

api::SharedBytes bytes(size_t size, char c) {
  return std::make_shared<const std::string>(size, c);
}

TEST(HttpOutbox, WritesResponsesWholeAndInOrderHoweverOftenTheClientBlocks) {
  Connection connection;
  BodyPages pages;
  const api::SharedBytes large = bytes(1 << 20, 'L');
  pages.of(large);
  const api::SharedBytes middling = bytes(300'000, 'm');
  HttpOutbox out;
  std::string wanted;
  const auto add = [&](const std::string& head, const api::SharedBytes& body, bool by_pages) {
    out.head() += head;
    const BodyPages::Pages file = by_pages ? pages.of(body) : nullptr;
    ASSERT_EQ(file != nullptr, by_pages);
    out.add(body, file);
    wanted += head + (body ? *body : std::string());
  };
  add("first\n", bytes(10, '1'), false);
  add("second\n", large, true);
  add("third\n", nullptr, false);
  add("fourth\n", middling, false);
  add("fifth\n", large, true);
  add("", nullptr, false);
  add("last\n", bytes(1, '!'), false);

  std::string seen;
  int blocked = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const HttpOutbox::Progress progress = out.write_some(connection.server);
    ASSERT_NE(progress, HttpOutbox::Progress::kFailed);
    connection.read(seen);
    if (progress == HttpOutbox::Progress::kDone && seen.size() == wanted.size()) break;
    blocked += progress == HttpOutbox::Progress::kBlocked ? 1 : 0;
  }
  EXPECT_GT(blocked, 10);
  EXPECT_TRUE(seen == wanted) << seen.size() << " of " << wanted.size();
  EXPECT_TRUE(out.empty());
}

TEST(HttpOutbox, IsFullAtSomePointAndEmptyOnceWritten) {
  Connection connection;
  HttpOutbox out;
  EXPECT_TRUE(out.empty());
  size_t responses = 0;
  for (; !out.full(); ++responses) {
    out.head() += "head";
    out.add(bytes(3, 'b'), nullptr);
  }
  EXPECT_GE(responses, 8u);
  EXPECT_EQ(out.write_some(connection.server), HttpOutbox::Progress::kDone);
  EXPECT_TRUE(out.empty());
  std::string seen;
  while (seen.size() < 7 * responses) connection.read(seen);
  EXPECT_EQ(seen.substr(0, 14), "headbbbheadbbb");
}

TEST(HttpOutbox, SaysThatTheClientHasGone) {
  Connection connection;
  connection.server.close();
  HttpOutbox out;
  out.head() += "head";
  out.add(nullptr, nullptr);
  EXPECT_EQ(out.write_some(connection.server), HttpOutbox::Progress::kFailed);
}

}  // namespace
}  // namespace paystats::http
