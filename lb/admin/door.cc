// The library's server is used for what it parses and writes; sockets, threads, deadlines and
// bounds are ours: it would wait with select(), which a process with thousands of descriptors
// cannot use.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/door.h"

#include <httplib.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "lb/admin/connection.h"
#include "lb/admin/head.h"

namespace sstplb::admin {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadTime = 5s;    // for a whole request
constexpr auto kWriteTime = 10s;  // for a whole answer, or for one piece of an endless one
constexpr std::size_t kMaxPath = 512;

// What the library reads from and writes to: the inspected head, then exactly the body.
class BoundedStream : public httplib::Stream {
 public:
  BoundedStream(Connection& connection, Head head, std::string_view more, TimePoint deadline)
      : connection_(connection),
        buffered_(std::move(head.text)),
        body_left_(head.body_size),
        deadline_(deadline) {
    more = more.substr(0, body_left_);
    buffered_ += more;
    body_left_ -= more.size();
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return !connection_.Over(); }

  ssize_t read(char* out, size_t size) override {
    if (taken_ < buffered_.size()) {
      const std::size_t n = buffered_.copy(out, size, taken_);
      taken_ += n;
      return static_cast<ssize_t>(n);
    }
    if (body_left_ == 0) return 0;
    const long n = connection_.Read(out, std::min(size, body_left_), deadline_);
    if (n > 0) body_left_ -= static_cast<std::size_t>(n);
    return n;
  }

  ssize_t write(const char* data, size_t size) override {
    if (!connection_.Write({data, size}, Clock::now() + kWriteTime)) return -1;
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = connection_.Peer();
    port = 0;
  }
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }  // never waited for by the library

 private:
  Connection& connection_;
  std::string buffered_;
  std::size_t taken_ = 0;
  std::size_t body_left_;
  TimePoint deadline_;
};

Request ToRequest(const httplib::Request& from) {
  Request request;
  request.method = from.method == "HEAD" ? "GET" : from.method;
  request.path = SplitPath(from.path);
  request.query = from.params;
  request.body = from.body;
  return request;
}

Claims ToClaims(const httplib::Request& from) {
  const std::string length = from.get_header_value("Content-Length");
  return {.method = from.method,
          .host = from.get_header_value("Host"),
          .origin = from.get_header_value("Origin"),
          .fetch_site = from.get_header_value("Sec-Fetch-Site"),
          .authorization = from.get_header_value("Authorization"),
          .content_type = from.get_header_value("Content-Type"),
          .has_body = length.find_first_not_of('0') != std::string::npos};
}

}  // namespace

class Door::Impl : private httplib::Server {
 public:
  Impl(int listen_fd, Policy policy, const Router& router, Logger& logger)
      : listen_fd_(listen_fd),
        closing_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        policy_(std::move(policy)),
        router_(router),
        logger_(logger) {
    svr_sock_ = 0;  // what the library looks at to see whether it must end
    httplib::Headers headers;
    for (const auto& [name, value] : StandardHeaders()) headers.emplace(name, value);
    set_default_headers(std::move(headers));
    SetHandlers();
  }

  void Start() {
    for (int i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this] { Run(); });
      ::pthread_setname_np(threads_.back().native_handle(), "sstplb-admin");
    }
  }

  void Pause(Duration grace) {
    std::unique_lock lock(mutex_);
    paused_ = true;
    idle_.wait_for(lock, grace, [this] { return busy_ == followers_; });
  }

  void Resume() {
    const std::lock_guard lock(mutex_);
    paused_ = false;
    idle_.notify_all();
  }

  void Stop(Duration grace) {
    ::eventfd_write(closing_.get(), 1);
    {
      std::unique_lock lock(mutex_);
      closed_ = true;
      idle_.notify_all();
      idle_.wait_for(lock, grace, [this] { return busy_ == followers_; });
    }
    svr_sock_ = -1;
    ::eventfd_write(stop_.get(), 1);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void SetHandlers() {
    set_pre_routing_handler([this](const httplib::Request& from, httplib::Response& to) {
      std::optional<Response> refusal = Refuse(policy_, ToClaims(from));
      if (!refusal && from.path.size() > kMaxPath) {
        refusal = ErrorResponse(414, "too_large", "the path is too long");
      }
      if (!refusal) return HandlerResponse::Unhandled;
      Note(from, refusal->status);
      Fill(to, *std::move(refusal));
      return HandlerResponse::Handled;
    });
    const auto handler = [this](const httplib::Request& from, httplib::Response& to) {
      Response response = router_.Handle(ToRequest(from));
      Note(from, response.status);
      Fill(to, std::move(response));
    };
    const char* const any = "[^]*";
    Get(any, handler).Post(any, handler).Put(any, handler).Patch(any, handler);
    Delete(any, handler).Options(any, handler);
    set_exception_handler([](const auto&, httplib::Response& to, std::exception_ptr) {
      const Response response = ErrorResponse(500, "internal", "the request could not be answered");
      to.status = response.status;
      to.set_content(response.body, response.content_type);
    });
    set_error_handler([](const httplib::Request&, httplib::Response& to) {
      if (!to.body.empty()) return;
      const Response response = ErrorResponse(to.status, "invalid", "the request is malformed");
      to.set_content(response.body, response.content_type);
    });
  }

  // Who changed or tried to change what.
  void Note(const httplib::Request& request, int status) {
    if (request.method == "GET" || request.method == "HEAD") return;
    logger_.Write(status == 401 || status == 403 ? LogLevel::kWarning : LogLevel::kInfo,
                  "admin request",
                  {{"method", request.method},
                   {"path", request.path},
                   {"status", status},
                   {"via", policy_.trusted ? "socket" : "http"},
                   {"peer", request.remote_addr}});
  }

  void Fill(httplib::Response& to, Response response) {
    std::shared_ptr<void> place;
    if (response.follow) {
      place = TakePlace();
      if (!place) response = ErrorResponse(503, "busy", "too many follow the events already");
    }
    to.status = response.status;
    for (const auto& [name, value] : response.headers) to.set_header(name, value);
    if (!response.follow) {
      to.set_content(response.body, response.content_type);
      return;
    }
    to.set_chunked_content_provider(
        response.content_type,
        [follow = std::move(response.follow), place](std::size_t, httplib::DataSink& sink) {
          const std::optional<std::string> next = follow();
          if (!sink.is_writable()) return false;
          if (!next) {
            sink.done();
          } else if (!next->empty()) {
            return sink.write(next->data(), next->size());
          }
          return true;
        });
  }

  // A follower keeps its thread: some are left for those who ask and go. Null when all are taken.
  std::shared_ptr<void> TakePlace() {
    if (followers_.fetch_add(1) >= kMaxFollowers) {
      followers_.fetch_sub(1);
      return nullptr;
    }
    return {this, [](Impl* self) { self->followers_.fetch_sub(1); }};
  }

  void Run() {
    while (true) {
      pollfd fds[] = {{listen_fd_, POLLIN, 0}, {closing_.get(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0 || !MayAccept()) return;
      Fd fd(::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd.valid()) {
        Serve(Connection(std::move(fd), stop_.get()));
      } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        ::poll(&fds[1], 1, 100);  // out of descriptors, perhaps: not at full speed again and again
      }
      Done();
    }
  }

  // Waits while it is paused. Then the thread counts as busy until Done(); false: it is to end.
  bool MayAccept() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !paused_ || closed_; });
    if (closed_) return false;
    ++busy_;
    return true;
  }

  void Done() {
    const std::lock_guard lock(mutex_);
    --busy_;
    idle_.notify_all();
  }

  void Serve(Connection connection) {
    const TimePoint deadline = Clock::now() + kReadTime;
    std::string input;
    HeadVerdict verdict;
    while (std::holds_alternative<NeedMore>(verdict = InspectHead(input))) {
      std::array<char, 4096> block;
      const long n = connection.Read(block.data(), block.size(), deadline);
      if (n <= 0) return;
      input.append(block.data(), static_cast<std::size_t>(n));
    }
    if (const Response* refusal = std::get_if<Response>(&verdict)) {
      connection.Write(Render(*refusal), Clock::now() + kWriteTime);
    } else {
      Head& head = std::get<Head>(verdict);
      const std::string_view more = std::string_view(input).substr(head.size);
      BoundedStream stream(connection, std::move(head), more, deadline);
      try {
        bool closed = true;
        process_request(stream, true, closed, nullptr);
      } catch (...) {
        // Out of memory at most; the caller sees the connection end.
      }
    }
    connection.Finish();
  }

  const int listen_fd_;
  const Fd closing_;  // nobody is let in any more
  const Fd stop_;     // who is in must go
  const Policy policy_;
  const Router& router_;
  sstplb::Logger& logger_;
  std::atomic<int> followers_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
  bool paused_ = false;
  bool closed_ = false;
  int busy_ = 0;  // requests under way, followers included
  std::vector<std::thread> threads_;
};

Door::Door(int listen_fd, Policy policy, const Router& router, Logger& logger)
    : impl_(std::make_unique<Impl>(listen_fd, std::move(policy), router, logger)) {}

Door::~Door() { Stop(); }

void Door::Start() { impl_->Start(); }

void Door::Pause(Duration grace) { impl_->Pause(grace); }

void Door::Resume() { impl_->Resume(); }

void Door::Stop(Duration grace) { impl_->Stop(grace); }

}  // namespace sstplb::admin
