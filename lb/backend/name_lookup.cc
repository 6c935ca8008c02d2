// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/name_lookup.h"

#include <ares.h>
#include <sys/time.h>

#include <algorithm>
#include <map>
#include <utility>

namespace sstplb::backend {

// A channel of its own for every look-up: it can then be cut off alone, and a changed resolv.conf
// counts from the next one on. c-ares may call back from any of its functions but must not be
// destroyed there, so the answer is only noted, and delivered once c-ares has returned.
struct NameLookup::Impl {
  Impl(Loop& loop, OnAnswer callback)
      : loop_ref(loop),
        on_answer(std::move(callback)),
        retry(loop.ev()),
        deadline(loop.ev()),
        deliver(loop.ev()) {
    retry.set<Impl, &Impl::OnRetry>(this);
    deadline.set<Impl, &Impl::OnDeadline>(this);
    deliver.set<Impl, &Impl::OnDeliver>(this);
  }
  ~Impl() {
    done = true;  // what c-ares still says is not heard
    if (channel != nullptr) ares_destroy(channel);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool Open(const NameLookupOptions& options);
  void Ask(const std::string& host, const NameLookupOptions& options);

  static void OnSocket(void* self, ares_socket_t fd, int readable, int writable);
  static void OnAddresses(void* self, int status, int timeouts, ares_addrinfo* result);
  void OnReady(ev::io& watcher, int events);
  void OnRetry(ev::timer&, int);
  void OnDeadline(ev::timer&, int);
  void OnDeliver(ev::timer&, int);
  void Finish(Answer result);
  void Watch();

  Loop& loop_ref;
  OnAnswer on_answer;
  ev::timer retry;     // when c-ares wants to ask again
  ev::timer deadline;  // for the whole
  ev::timer deliver;   // with no delay: the way out of c-ares
  std::map<ares_socket_t, std::unique_ptr<ev::io>> sockets;
  ares_channel channel = nullptr;
  bool done = false;
  Answer answer;
};

namespace {

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

NameLookup::Answer Collect(const ares_addrinfo& result) {
  NameLookup::Answer answer;
  int ttl = 0;
  for (const auto* node = result.nodes; node != nullptr; node = node->ai_next) {
    const auto address = SocketAddress::FromSockaddr(node->ai_addr);
    if (!address) continue;
    answer.addresses.push_back(address->ip);
    if (node->ai_ttl > 0) ttl = ttl == 0 ? node->ai_ttl : std::min(ttl, node->ai_ttl);
  }
  if (ttl > 0) answer.ttl = std::chrono::seconds(ttl);
  if (answer.addresses.empty()) answer.error = "the answer holds no address";
  return answer;
}

}  // namespace

bool NameLookup::Impl::Open(const NameLookupOptions& options) {
  ares_options ares{};
  char lookups[] = "fb";  // the hosts file, then DNS
  ares.lookups = lookups;
  ares.timeout = std::max(1, Milliseconds(options.query_timeout));
  ares.tries = std::max(1, options.tries);
  ares.sock_state_cb = &Impl::OnSocket;
  ares.sock_state_cb_data = this;
  constexpr int kMask =
      ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&channel, &ares, kMask);
  if (status == ARES_SUCCESS && !options.servers.empty()) {
    status = ares_set_servers_ports_csv(channel, options.servers.c_str());
  }
  if (status == ARES_SUCCESS) return true;
  Finish({.addresses = {}, .ttl = {}, .error = ares_strerror(status)});
  return false;
}

void NameLookup::Impl::Ask(const std::string& host, const NameLookupOptions& options) {
  ev_now_update(loop_ref.ev());  // the loop's idea of now may be old, which would cut this short
  deadline.start(EvSeconds(options.deadline));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel, host.c_str(), nullptr, &hints, &Impl::OnAddresses, this);
  Watch();
}

void NameLookup::Impl::OnSocket(void* self, ares_socket_t fd, int readable, int writable) {
  auto& impl = *static_cast<Impl*>(self);
  const int events = (readable != 0 ? ev::READ : 0) | (writable != 0 ? ev::WRITE : 0);
  if (events == 0) {
    impl.sockets.erase(fd);
    return;
  }
  auto& watcher = impl.sockets[fd];
  if (!watcher) {
    watcher = std::make_unique<ev::io>(impl.loop_ref.ev());
    watcher->set<Impl, &Impl::OnReady>(&impl);
  }
  watcher->start(fd, events);
}

void NameLookup::Impl::OnAddresses(void* self, int status, int, ares_addrinfo* result) {
  auto& impl = *static_cast<Impl*>(self);
  if (status == ARES_SUCCESS && result != nullptr) {
    impl.Finish(Collect(*result));
  } else {
    impl.Finish({.addresses = {}, .ttl = {}, .error = ares_strerror(status)});
  }
  if (result != nullptr) ares_freeaddrinfo(result);
}

void NameLookup::Impl::OnReady(ev::io& watcher, int events) {
  const int fd = watcher.fd;  // the watcher may be gone after the next line
  ares_process_fd(channel, (events & ev::READ) != 0 ? fd : ARES_SOCKET_BAD,
                  (events & ev::WRITE) != 0 ? fd : ARES_SOCKET_BAD);
  Watch();
}

void NameLookup::Impl::OnRetry(ev::timer&, int) {
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  Watch();
}

void NameLookup::Impl::OnDeadline(ev::timer&, int) {
  Finish({.addresses = {}, .ttl = {}, .error = "no answer in time"});
}

void NameLookup::Impl::OnDeliver(ev::timer&, int) {
  // On the stack, because the call may destroy this.
  const OnAnswer callback = std::move(on_answer);
  const Answer result = std::move(answer);
  callback(result);
}

void NameLookup::Impl::Finish(Answer result) {
  if (done) return;
  done = true;
  answer = std::move(result);
  retry.stop();
  deadline.stop();
  deliver.start(0.0);
}

void NameLookup::Impl::Watch() {
  if (done) return;
  timeval wait{};
  if (ares_timeout(channel, nullptr, &wait) == nullptr) return;
  retry.stop();
  retry.start(static_cast<double>(wait.tv_sec) + static_cast<double>(wait.tv_usec) / 1e6);
}

NameLookup::NameLookup(Loop& loop, const std::string& host, const NameLookupOptions& options,
                       OnAnswer on_answer)
    : impl_(std::make_unique<Impl>(loop, std::move(on_answer))) {
  if (impl_->Open(options)) impl_->Ask(host, options);
}

NameLookup::~NameLookup() = default;

}  // namespace sstplb::backend
