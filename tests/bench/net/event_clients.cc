// event_clients PORT N TARGET: so many clients of an event stream, in one thread.
//
// Prints "open" once each has had an event. Then, for each line on stdin, it writes that line's
// text to descriptor 3, which makes the server send one event to everybody, and prints
// "US_FIRST US_ALL BYTES": from the writing to the first and to the last client that has the whole
// event, and what one event has of bytes. "pause" is a line that prints nothing and waits.
#include <poll.h>
#include <sys/epoll.h>

#include <array>
#include <iostream>
#include <vector>

#include "sockets.h"

namespace paystats::bench {
namespace {

struct Client {
  int fd = -1;
  bool has_event = false;
  char last = 0;       // of what came
  uint64_t bytes = 0;  // since the beginning of the round
};

class Clients {
 public:
  Clients(uint16_t port, size_t count, const std::string& target)
      : set_(::epoll_create1(EPOLL_CLOEXEC)), clients_(count) {
    const std::string request =
        "GET " + target + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) + "\r\n\r\n";
    for (Client& client : clients_) {
      client.fd = connect_tcp(port);
      write_all(client.fd, request);
      epoll_event event = {};
      event.events = EPOLLIN;
      event.data.ptr = &client;
      if (::epoll_ctl(set_, EPOLL_CTL_ADD, client.fd, &event) != 0) die("epoll_ctl");
    }
  }

  // Until all of them have an event; its time since the first one's.
  SteadyClock::time_point wait_for_all() {
    size_t missing = clients_.size();
    for (Client& client : clients_) client.has_event = false;
    first_ = {};
    while (missing > 0) missing -= read_some(missing);
    return SteadyClock::now();
  }

  void forget() {
    for (Client& client : clients_) client.bytes = 0;
  }
  // Takes what still comes, until nothing has come for so long.
  void drain(int quiet_ms) {
    pollfd p = {set_, POLLIN, 0};
    while (::poll(&p, 1, quiet_ms) == 1) read_some(clients_.size());
  }
  SteadyClock::time_point first() const { return first_; }
  uint64_t bytes() const { return clients_.front().bytes; }

 private:
  size_t read_some(size_t most) {
    std::array<epoll_event, 256> events;
    const int ready = ::epoll_wait(set_, events.data(), events.size(), 20'000);
    if (ready <= 0) {
      std::fprintf(stderr, "event_clients: %zu clients have no event after 20 s\n", most);
      std::exit(2);
    }
    size_t done = 0;
    for (size_t i = 0; i < static_cast<size_t>(ready); ++i) {
      done += read_one(*static_cast<Client*>(events[i].data.ptr)) ? 1 : 0;
    }
    return done;
  }

  // True where this made the client's first whole event of the round.
  bool read_one(Client& client) {
    std::array<char, 16384> buffer;
    const ssize_t n = ::recv(client.fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) die("recv");
    const std::string_view text(buffer.data(), static_cast<size_t>(n));
    client.bytes += text.size();
    const bool split = text.size() == 1 && text == "\n" && client.last == '\n';
    client.last = text.back();
    const bool whole = (text.ends_with("\n\n") || split) && !text.ends_with("retry: 1000\n\n");
    if (!whole || client.has_event) return false;
    if (first_ == SteadyClock::time_point()) first_ = SteadyClock::now();
    client.has_event = true;
    return true;
  }

  const int set_;
  std::vector<Client> clients_;
  SteadyClock::time_point first_;
};

}  // namespace
}  // namespace paystats::bench

int main(int argc, char** argv) {
  using namespace paystats::bench;
  if (argc != 4) {
    std::fputs("usage: event_clients PORT N TARGET 3>TRIGGER\n", stderr);
    return 2;
  }
  raise_descriptor_limit();
  Clients clients(static_cast<uint16_t>(std::atoi(argv[1])), std::strtoul(argv[2], nullptr, 10),
                  argv[3]);
  clients.wait_for_all();
  clients.drain(200);
  std::cout << "open" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    clients.forget();
    line += '\n';
    const auto begin = SteadyClock::now();
    write_all(3, line);
    const auto end = clients.wait_for_all();
    std::cout << microseconds(clients.first() - begin) << ' ' << microseconds(end - begin) << ' '
              << clients.bytes() << std::endl;
    clients.drain(200);
  }
}
