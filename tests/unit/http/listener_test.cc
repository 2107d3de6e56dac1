#include "http/listener.h"

#include <filesystem>

#include "unit/loop/client.h"

namespace paystats::http {
namespace {

TEST(ParseListenAddress, TakesAddressesAndSaysWhatIsWrong) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8080")->port, 8080);
  EXPECT_EQ(parse_listen_address("[::1]:0")->host, "[::1]");
  const base::Result<ListenAddress> path = parse_listen_address("unix:run/serve.sock");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->socket_path, "run/serve.sock");
  EXPECT_EQ(path->host, "");
  for (const char* text : {"", "8080", ":8080", "localhost", "localhost:", "localhost:65536",
                           "::1:80", "localhost:-1", "localhost:80x", "unix:", "unix"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
  EXPECT_TRUE(holds(parse_listen_address("unix:" + std::string(108, 'x')).error().message,
                    "at most 107 bytes"));
}

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(loop_.open()); }

  base::Result<Listener> open(const std::string& address) {
    return Listener::open(loop_, *parse_listen_address(address));
  }

  loop::EventLoop loop_;
  const TempFolder folder_;
};

TEST_F(ListenerTest, SaysWhereItListensAndWhoCanConnect) {
  const base::Result<Listener> loopback = open("localhost:0");
  ASSERT_TRUE(loopback) << loopback.error().message;
  EXPECT_NE(loopback->port(), 0);
  EXPECT_EQ(loopback->name(), "http://127.0.0.1:" + std::to_string(loopback->port()) + "/");
  EXPECT_FALSE(loopback->is_public());
  const base::Result<Listener> any = open("0.0.0.0:0");
  ASSERT_TRUE(any) << any.error().message;
  EXPECT_TRUE(any->is_public());
  const base::Result<Listener> again = open("localhost:" + std::to_string(loopback->port()));
  ASSERT_FALSE(again);
  EXPECT_TRUE(holds(again.error().message, "address already in use"));
}

TEST_F(ListenerTest, OfAUnixSocketIsForItsOwnerAndGroupAndLeavesNothing) {
  const std::string path = folder_ / "serve.sock";
  {
    base::Result<Listener> listener = open("unix:" + path);
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_EQ(listener->name(), "unix:" + path);
    EXPECT_FALSE(listener->is_public());
    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              perms::owner_read | perms::owner_write | perms::group_read | perms::group_write);
    EXPECT_TRUE(loop::UnixClient(path).connected());
    const base::Result<Listener> second = open("unix:" + path);
    ASSERT_FALSE(second);
    EXPECT_TRUE(holds(second.error().message, "another process has this socket"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace paystats::http
