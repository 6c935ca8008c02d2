// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/newest.h"

#include <algorithm>

namespace sstplb::admin {
namespace {

constexpr std::size_t kPageSize = 1000;
constexpr int kMaxPages = 20;

bool Younger(const session::SessionStatus& a, const session::SessionStatus& b) {
  return a.age != b.age ? a.age < b.age : a.id > b.id;
}

}  // namespace

control::Answer<control::SessionPage> NewestSessions(control::Api& api,
                                                     const session::SessionFilter& filter,
                                                     std::size_t count) {
  control::SessionPage newest;
  session::SessionId after = 0;
  for (int i = 0; i < kMaxPages; ++i) {
    control::Answer<control::SessionPage> page = api.GetSessions(filter, after, kPageSize);
    if (!page) return page.error();
    newest.total = page->total;
    auto& kept = newest.sessions;
    kept.insert(kept.end(), std::make_move_iterator(page->sessions.begin()),
                std::make_move_iterator(page->sessions.end()));
    std::sort(kept.begin(), kept.end(), Younger);
    if (kept.size() > count) kept.resize(count);
    if (!page->next) break;
    after = *page->next;
  }
  return newest;
}

}  // namespace sstplb::admin
