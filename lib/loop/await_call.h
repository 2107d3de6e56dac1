// From a call with a callback to a coroutine that waits for it.
//
//   auto woken = co_await await_call<bool>([&](auto done) { wake_later(done); });
//
// `start` runs at once. Its callback may be called from within it or later, once, on the loop's
// thread; the coroutine goes on from the loop. A callback that is dropped ends the coroutine.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "loop/asio_tcp.h"

namespace paystats::loop {

template <class T>
asio::awaitable<T> await_call(std::function<void(std::function<void(T)>)> start) {
  auto initiate = [start = std::move(start)](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    start([shared](T value) {
      const auto executor = asio::get_associated_executor(*shared);
      asio::post(executor, [shared, value = std::move(value)]() mutable {
        std::move (*shared)(std::move(value));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
      std::move(initiate), asio::use_awaitable);
}

}  // namespace paystats::loop
