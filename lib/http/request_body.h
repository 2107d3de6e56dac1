// The body of a request while it is being read, and one budget for all of them: memory grows with
// what has come, not with what was announced, and is counted as it is taken. Private to this room.
//
//   BodyBudget budget(bytes_max, quiet_timeout);
//   RequestBody body(budget, client);
//   if (!body.append(bytes, now)) ...            // there is no room: 503
//   read_payments(body.bytes(), rules);
//   body.clear();
//
// A body of up to kFreeBytes is not counted here but as a head is (see Clients::keep()): so a small
// request is never refused for what others do. Where the budget is used up, the body
// that has been quiet for longest gives way if that is longer than `quiet_timeout`; if there is
// none, the one that wants more gets nothing. A body alone always has room. Less than kStepBytes is
// no progress: a byte now and then buys no time.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/clients.h"

namespace paystats::http {

class RequestBody;

class BodyBudget {
 public:
  BodyBudget(size_t bytes_max, base::Duration quiet_timeout)
      : bytes_max_(bytes_max), quiet_timeout_(quiet_timeout) {}
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  size_t bytes() const { return bytes_; }

 private:
  friend class RequestBody;

  // `body` has `held` bytes of the budget already.
  bool make_room(const RequestBody& body, size_t held, size_t wanted, base::Instant now);

  const size_t bytes_max_;
  const base::Duration quiet_timeout_;
  size_t bytes_ = 0;
  std::list<RequestBody*> holding_;  // the one that has been quiet for longest in front
};

class RequestBody {
 public:
  static constexpr size_t kFreeBytes = 8 << 10;
  static constexpr size_t kStepBytes = 1 << 10;

  // Both are borrowed. `holder` gives way by clearing this.
  RequestBody(BodyBudget& budget, Holder& holder) : budget_(budget), holder_(holder) {}
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;
  ~RequestBody() { clear(); }

  // So many bytes will come in all: no more memory is taken than that.
  void expect(size_t bytes) { expected_ = bytes; }
  // And they are more than kFreeBytes: it is counted from its first byte.
  void expect_large(size_t bytes) {
    expected_ = bytes;
    is_large_ = true;
  }
  // False: there is no room, and nothing has been appended.
  bool append(std::string_view more, base::Instant now);

  size_t size() const { return bytes_.size(); }
  size_t uncounted_bytes() const { return counted_ > 0 ? 0 : bytes_.capacity(); }
  std::string_view bytes() const { return bytes_; }
  base::Instant last_progress() const { return last_; }
  void clear();  // and gives its memory back

 private:
  friend class BodyBudget;

  BodyBudget& budget_;
  Holder& holder_;
  std::string bytes_;
  size_t expected_ = SIZE_MAX;
  bool is_large_ = false;
  size_t counted_ = 0;  // of the budget
  base::Instant last_{};
  size_t size_then_ = 0;
  std::optional<std::list<RequestBody*>::iterator> place_;  // of one that has some of the budget
};

}  // namespace paystats::http
