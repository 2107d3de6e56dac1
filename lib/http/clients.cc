#include "http/clients.h"

#include <algorithm>
#include <utility>

namespace paystats::http {

using State = Client::State;

void Clients::add(std::shared_ptr<Client> client, base::Instant now) {
  Client& added = *client;
  Client::List& all = list(added.state_);
  added.place_ = all.insert(all.end(), std::move(client));
  added.listed_ = true;
  added.since_ = now;
}

void Clients::remove(Client& client) {
  if (!std::exchange(client.listed_, false)) return;
  kept_bytes_ -= std::exchange(client.kept_bytes_, 0);
  list(client.state_).erase(client.place_);
}

void Clients::enter(Client& client, State state, base::Instant now) {
  const State before = std::exchange(client.state_, state);
  client.since_ = now;
  if (!client.listed_) return;
  Client::List& to = list(state);
  to.splice(to.end(), list(before), client.place_);
}

bool Clients::may_hold(const Client& client, Wait wait, size_t streams, base::Instant now) {
  if (client.holds_place()) return true;
  const auto held = [&] {
    return streams + list(State::kReadingBody).size() + list(State::kWriting).size() +
           list(State::kWaiting).size();
  };
  const size_t kept = limits_.places_kept() >> static_cast<unsigned>(wait);
  const size_t most = limits_.connections_max - kept;
  return held() < most || (end_quiet(now) && held() < most);
}

void Clients::keep(Client& client, size_t bytes) {
  if (!client.listed_) return;
  kept_bytes_ += bytes - std::exchange(client.kept_bytes_, bytes);
  const Client::List& arriving = list(State::kArriving);
  while (kept_bytes_ > limits_.arriving_bytes_max && !arriving.empty()) {
    Client& first = *arriving.front();
    if (&first == &client) return;
    end(first);
  }
}

Clients::Room Clients::make_room(base::Instant now) {
  Room room = Room::kNone;
  for (const State state : {State::kIdle, State::kArriving, State::kLingering}) {
    if (list(state).empty()) continue;
    Client& first = *list(state).front();
    if (now - first.since() >= limits_.newcomer_time) {
      end(first);
      return Room::kNow;
    }
    room = Room::kSoon;
  }
  return end_quiet(now) ? Room::kNow : room;
}

// Of those that are waited for, the one that has been quiet for longest.
bool Clients::end_quiet(base::Instant now) {
  Client* longest = nullptr;
  for (const State state : {State::kReadingBody, State::kWriting}) {
    if (list(state).empty()) continue;
    Client& first = *list(state).front();
    if (longest == nullptr || first.since() < longest->since()) longest = &first;
  }
  if (longest == nullptr || now - longest->since() < limits_.quiet_timeout) return false;
  end(*longest);
  return true;
}

void Clients::end(Client& client) {
  const std::shared_ptr<Client> ended = *client.place_;
  ended->give_way();
  remove(*ended);
}

size_t Clients::size() const {
  size_t size = 0;
  for (const Client::List& some : lists_) size += some.size();
  return size;
}

std::vector<std::shared_ptr<Client>> Clients::all() const {
  std::vector<std::shared_ptr<Client>> all;
  all.reserve(size());
  for (const Client::List& some : lists_) all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace paystats::http
