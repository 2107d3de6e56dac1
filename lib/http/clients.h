// The connections of the server, in the order in which they give way to others: who does nothing
// first, then whose request is not whole yet, then who has been refused and still sends, then who
// is waited for and has long been quiet. Private to this room.
//
//   Clients clients(limits);
//   clients.add(client, now);
//   clients.enter(*client, Client::State::kReadingBody, now);     // and again when more has come
//   if (clients.make_room(now) == Clients::Room::kSoon) ...       // all are newcomers: a moment
//
// What has to be done to all of this is in constant time: each state has a list, in the order in
// which its clients entered it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "http/limits.h"

namespace paystats::http {

// Has what others may need: a place, or memory.
class Holder {
 public:
  // Ends it, and what it has is free when this returns.
  virtual void give_way() = 0;

 protected:
  ~Holder() = default;
};

class Client : public Holder {
 public:
  // The first three give way to anybody; the others hold their place.
  enum class State : uint8_t {
    kIdle,         // no byte of a request has come
    kArriving,     // some have: of its head, or of a body that is as small as a head
    kLingering,    // has been refused, and may still send
    kReadingBody,  // a large one
    kWriting,      // does not read what it has been sent
    kWaiting,      // for the output or the cache
  };
  static constexpr size_t kStates = 6;

  virtual ~Client() = default;

  State state() const { return state_; }
  bool holds_place() const { return state_ >= State::kReadingBody; }
  base::Instant since() const { return since_; }  // when it entered that state, the last time

 private:
  friend class Clients;
  using List = std::list<std::shared_ptr<Client>>;

  State state_ = State::kIdle;
  bool listed_ = false;
  size_t kept_bytes_ = 0;
  base::Instant since_{};
  List::iterator place_;
};

class Clients {
 public:
  // `limits` is borrowed.
  explicit Clients(const HttpLimits& limits) : limits_(limits) {}

  void add(std::shared_ptr<Client> client, base::Instant now);
  void remove(Client& client);  // may be the end of it; one that is not here stays so
  void enter(Client& client, Client::State state, base::Instant now);

  // Whether it may hold its place for this, beside so many streams, which hold one as well. One
  // that has been quiet for too long gives way to it. Who makes us wait cannot take all places from
  // those that wait for us, and of these the output cannot keep all from those that soon go on.
  enum class Wait : uint8_t { kForClient, kForOutput, kForCache };
  bool may_hold(const Client& client, Wait wait, size_t streams, base::Instant now);

  // So many bytes are kept of its request, which is not whole yet. Where that is more than all such
  // requests may have, those that began first give way to it.
  void keep(Client& client, size_t bytes);

  // Ends a client so that another one can be added.
  enum class Room { kNow, kSoon, kNone };
  Room make_room(base::Instant now);

  size_t size() const;
  std::vector<std::shared_ptr<Client>> all() const;

 private:
  Client::List& list(Client::State state) { return lists_[static_cast<size_t>(state)]; }
  bool end_quiet(base::Instant now);
  void end(Client& client);

  const HttpLimits& limits_;
  std::array<Client::List, Client::kStates> lists_;  // what entered last is at the end
  size_t kept_bytes_ = 0;
};

}  // namespace paystats::http
