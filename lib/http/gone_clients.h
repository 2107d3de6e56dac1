// Which clients have left before the turn of their requests came, by their sockets. Private to this
// room. Tested through http/payment_writer.h.
//
// A client that has reset its connection has gone. One that has ended its side alone may wait for
// its answer, as some do that end it as soon as they have asked: it counts as gone 100 ms after its
// request was read, or a second after it arrived, which may be long before: this process was
// stopped meanwhile, or busy. TCP does not tell more.
#pragma once

#include <vector>

#include "http/writer_thread.h"

namespace paystats::http {

// One for each of `items`.
std::vector<bool> gone_clients(const std::vector<WriteItem>& items);

}  // namespace paystats::http
