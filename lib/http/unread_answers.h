// What is kept for clients that do not read it: one budget for all of them, and for an answer that
// is coming. A body that many of them share counts once. Over the budget, the client that has taken
// nothing for longest gives way.
// Private to this room.
//
//   UnreadAnswers unread(bytes_max);
//   UnreadAnswers::Hold hold = unread.hold(client, {body}, head_bytes);        // it is blocked
//   hold.progressed();                           // it has taken some of it
//   hold.end();                                  // it has taken all
//
// One body alone always has room, whatever its size, so that a large page can be read at all, until
// the next one comes that is as large. Only
// clients whose buffers are full come here: others cost nothing.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/http.h"
#include "http/clients.h"

namespace paystats::http {

class UnreadAnswers {
 private:
  struct Blocked {
    Holder* holder;
    std::vector<api::SharedBytes> bodies;
    size_t own_bytes;
  };

 public:
  // What is kept for one client; ends with this object.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept
        : home_(std::exchange(other.home_, nullptr)), place_(other.place_) {}
    Hold& operator=(Hold&& other) noexcept {
      end();
      home_ = std::exchange(other.home_, nullptr);
      place_ = other.place_;
      return *this;
    }
    ~Hold() { end(); }

    void end();
    void progressed();  // it has taken some
    // Kept besides, or instead of `before` (which may be null).
    void replace(const api::SharedBytes& before, const api::SharedBytes& now);

   private:
    friend class UnreadAnswers;
    Hold(UnreadAnswers& home, std::list<Blocked>::iterator place) : home_(&home), place_(place) {}

    UnreadAnswers* home_ = nullptr;
    std::list<Blocked>::iterator place_;
  };

  explicit UnreadAnswers(size_t bytes_max) : bytes_max_(bytes_max) {}
  UnreadAnswers(const UnreadAnswers&) = delete;
  UnreadAnswers& operator=(const UnreadAnswers&) = delete;

  // `holder` is borrowed until the end of the hold, and gives way by ending it. `own_bytes` are of
  // this client alone. A body may be null. Others may give way.
  Hold hold(Holder& holder, std::vector<api::SharedBytes> bodies, size_t own_bytes);
  // So much of an answer has come for which nobody is blocked yet. Others may give way.
  void coming(size_t bytes);
  size_t bytes() const { return own_bytes_ + body_bytes_; }
  size_t clients() const { return blocked_.size(); }

 private:
  void count(const api::SharedBytes& body);
  void uncount(const api::SharedBytes& body);
  void trim(size_t clients_kept);

  const size_t bytes_max_;
  std::list<Blocked> blocked_;  // who has taken nothing for longest is in front
  std::unordered_map<const std::string*, size_t> uses_;
  size_t body_bytes_ = 0;
  size_t own_bytes_ = 0;
  size_t coming_bytes_ = 0;
};

}  // namespace paystats::http
