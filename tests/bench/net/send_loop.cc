// send_loop N BYTES: the floor of an event stream. Takes N connections, and for each line on stdin
// sends the same bytes to all of them, by send(2) in a loop. Prints its port first.
#include <cstdlib>
#include <iostream>
#include <vector>

#include "sockets.h"

int main(int argc, char** argv) {
  using namespace paystats::bench;
  if (argc != 3) {
    std::fputs("usage: send_loop N BYTES\n", stderr);
    return 2;
  }
  raise_descriptor_limit();
  const size_t count = std::strtoul(argv[1], nullptr, 10);
  std::string event(std::strtoul(argv[2], nullptr, 10), 'x');
  event.replace(event.size() - 2, 2, "\n\n");
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) die("bind");
  if (::listen(listener, 4096) != 0) die("listen");
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) die("port");
  std::cout << ntohs(address.sin_port) << std::endl;

  std::vector<int> clients;
  const auto send_to = [&](int fd) {
    if (::send(fd, event.data(), event.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(event.size()))
      die("send");
  };
  while (clients.size() < count) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) die("accept");
    clients.push_back(fd);
    send_to(fd);
  }
  for (std::string line; std::getline(std::cin, line);) {
    for (const int fd : clients) send_to(fd);
  }
}
