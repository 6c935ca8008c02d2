// Asking another thread's loop for a value, with a deadline.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "lb/base/loop.h"
#include "lb/base/time.h"
#include "lb/worker/worker.h"

namespace sstplb::control {

// How long anyone waits for a loop that should answer in microseconds.
inline constexpr Duration kAskTimeout = std::chrono::seconds(5);

// Runs `question` on the loop's thread and returns its answer; nullopt when it does not come in
// time (the question may still run later, so it must own what it uses). Never call it on a thread
// whose loop the question needs.
template <class Question>
auto Ask(Loop& loop, Question question) -> std::optional<std::invoke_result_t<Question>> {
  using Value = std::invoke_result_t<Question>;
  auto promise = std::make_shared<std::promise<Value>>();
  auto answer = promise->get_future();
  loop.Post(
      [promise, question = std::move(question)]() mutable { promise->set_value(question()); });
  if (answer.wait_for(kAskTimeout) != std::future_status::ready) return std::nullopt;
  return answer.get();
}

using Workers = std::vector<std::unique_ptr<worker::Worker>>;

// The same for every worker at once; nullopt when one of them does not answer in time, or has
// ended.
template <class Question>
auto AskAll(const Workers& workers, Question question)
    -> std::optional<std::vector<std::invoke_result_t<Question, worker::Worker&>>> {
  using Value = std::invoke_result_t<Question, worker::Worker&>;
  std::vector<std::future<Value>> answers;
  for (const auto& worker : workers) {
    auto promise = std::make_shared<std::promise<Value>>();
    answers.push_back(promise->get_future());
    worker->Post([promise, question](worker::Worker& w) { promise->set_value(question(w)); });
  }
  const auto deadline = Clock::now() + kAskTimeout;
  std::vector<Value> values;
  for (auto& answer : answers) {
    if (answer.wait_until(deadline) != std::future_status::ready) return std::nullopt;
    try {
      values.push_back(answer.get());
    } catch (const std::future_error&) {
      return std::nullopt;
    }
  }
  return values;
}

}  // namespace sstplb::control
