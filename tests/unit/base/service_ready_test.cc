#include "base/service_ready.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/fd.h"
#include "unit/support.h"

namespace paystats::base {
namespace {

// A service manager's socket, and what came to it.
class Manager {
 public:
  // `name` begins with '/', or with '@' where it is in no folder.
  explicit Manager(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const size_t size = offsetof(sockaddr_un, sun_path) + name.size();
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(size)),
              0)
        << std::strerror(errno);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  std::string next() {
    char text[64];
    const ssize_t n = ::recv(socket_.get(), text, sizeof text, MSG_DONTWAIT);
    return n < 0 ? "(nothing)" : std::string(text, static_cast<size_t>(n));
  }

 private:
  UniqueFd socket_;
};

TEST(ServiceReady, TellsTheSocketThatTheVariableNames) {
  const TempFolder folder;
  for (const std::string& name :
       {folder / "notify", "@paystats-test-" + std::to_string(::getpid())}) {
    Manager manager(name);
    EXPECT_EQ(manager.next(), "(nothing)");
    tell_service_ready();
    EXPECT_EQ(manager.next(), "READY=1") << name;
    EXPECT_EQ(manager.next(), "(nothing)");
  }
}

TEST(ServiceReady, WithoutAManagerNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  tell_service_ready();
  for (const std::string& name : {std::string(), std::string("@"), std::string("relative"),
                                  std::string("/nowhere/notify"), std::string(200, '/')}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    tell_service_ready();
  }
  ::unsetenv("NOTIFY_SOCKET");
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  tell_service_ready();
  const UniqueFd after(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(after.get(), next + 1) << "no descriptor is left open";
  ::close(next);
}

}  // namespace
}  // namespace paystats::base
