// Events: the last ones at once, or all that come as server-sent events.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/query.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMaxLimit = 1000;
constexpr std::size_t kDefaultLimit = 100;
constexpr Duration kWait = 250ms;     // how long one look for news may take
constexpr Duration kHeartbeat = 10s;  // a follower that is gone is noticed by writing to it

// What a follower has been sent so far. Used by the thread of its connection alone.
class Follower {
 public:
  Follower(control::Api& api, std::uint64_t after, std::size_t limit)
      : api_(api), after_(after), limit_(limit) {}

  std::string Next() {
    std::string out;
    // The first look brings the last `limit` events; after it none may be left out.
    for (const Event& event : api_.GetEvents(after_, limit_, kWait)) {
      out += "id: " + std::to_string(event.sequence) + "\ndata: " + ToJson(event) + "\n\n";
      after_ = event.sequence;
    }
    limit_ = kMaxLimit;
    const TimePoint now = Clock::now();
    if (out.empty() && now - last_sent_ < kHeartbeat) return out;
    last_sent_ = now;
    return out.empty() ? ": still here\n\n" : out;
  }

 private:
  control::Api& api_;
  std::uint64_t after_;
  std::size_t limit_;
  TimePoint last_sent_{};  // long ago: the first answer is sent at once
};

Response Events(control::Api& api, const Request& request) {
  Query query(request);
  const std::uint64_t after = query.Number("after", UINT64_MAX).value_or(0);
  const std::size_t limit = query.Number("limit", kMaxLimit).value_or(kDefaultLimit);
  const bool follow = query.Flag("follow");
  if (limit == 0) query.Fail("limit", "must be from 1 to 1000");
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  if (!follow) {
    const std::vector<Event> events = api.GetEvents(after, limit, Duration(0));
    return JsonResponse(EventsJson(events, events.empty() ? after : events.back().sequence));
  }
  Response response;
  response.content_type = "text/event-stream";
  const auto follower = std::make_shared<Follower>(api, after, limit);
  response.follow = [follower]() -> std::optional<std::string> { return follower->Next(); };
  return response;
}

}  // namespace

void AddEventRoutes(Router& router, control::Api& api) {
  router.Add("GET", "/api/v1/events",
             [&api](const Request& request, const auto&) { return Events(api, request); });
}

}  // namespace sstplb::admin
