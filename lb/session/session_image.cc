// A session as plain values and back: how it leaves this process and comes into another.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "lb/session/session.h"

namespace sstplb::session {
namespace {

// Where the session counts; of its own when its backend is not configured here.
std::shared_ptr<backend::BackendLoad> LoadOf(const Plan& plan, const Identity& identity) {
  const auto pool = plan.FindPool(identity.pool);
  const backend::BackendView* backend =
      pool == nullptr ? nullptr : pool->view.Find(identity.backend);
  return backend == nullptr ? std::make_shared<backend::BackendLoad>() : backend->load;
}

}  // namespace

Session::Session(Host& host, Identity&& identity, Fd client, Fd backend, const Plan& plan)
    : host_(host),
      id_(identity.id),
      phase_(Phase::kRelaying),
      client_{.fd = std::move(client)},
      backend_{.fd = std::move(backend)},
      gate_(&host.books().GateFor(identity.listener)),
      lane_(&host.books().LaneFor({identity.listener, identity.pool, identity.backend})),
      load_(LoadOf(plan, identity)),
      client_address_(identity.client),
      backend_address_(identity.backend_address),
      sni_(std::move(identity.sni)),
      idle_timeout_(identity.idle_timeout),
      rhythm_(identity.rhythm),
      opened_(identity.opened),
      client_spoke_(identity.connected),
      backend_spoke_(identity.connected),
      connected_(identity.connected) {
  if (identity.proxy) proxy_ = std::make_unique<SocketAddress>(*identity.proxy);
  identity.ja4.copy(ja4_.data(), ja4_.size());
  load_->active.fetch_add(1, std::memory_order_relaxed);
  ++gate_->active;
  ++lane_->users;
  ++lane_->active;
  const auto listener = plan.FindListener(identity.listener);
  if (identity.in_limits && listener != nullptr) {
    limiter_ = listener->limiter;
    limiter_->Adopt(client_address_.ip);
  }
  const auto pool = plan.FindPool(identity.pool);
  if (identity.in_affinity && pool != nullptr && pool->sticks != nullptr &&
      pool->sticks->Adopt(client_address_.ip, identity.backend, host.now())) {
    sticks_ = pool->sticks;
  }
}

Identity Session::identity() const {
  Identity out;
  out.id = id_;
  out.listener = gate_->listener;
  out.pool = lane_->key.pool;
  out.backend = lane_->key.backend;
  out.client = client_address_;
  out.backend_address = backend_address_;
  if (proxy_ != nullptr) out.proxy = *proxy_;
  out.sni = sni_;
  out.ja4 = ja4();
  out.idle_timeout = idle_timeout_;
  out.rhythm = rhythm_;
  out.opened = opened_;
  out.connected = connected_;
  out.in_limits = limiter_ != nullptr;
  out.in_affinity = sticks_ != nullptr;
  return out;
}

Motion Session::motion() {
  Motion out;
  out.id = id_;
  out.first_eof = first_eof_;
  out.client_spoke = client_spoke_;
  out.backend_spoke = backend_spoke_;
  out.tls = tls_;
  out.signalled = signalled_;
  out.handshake = handshake_;
  std::ranges::copy(retransmits_, out.retransmits);
  out.handshake_bytes = handshake_bytes_;
  out.to_backend = to_backend_.Image(host_.buffers());
  out.to_client = to_client_.Image(host_.buffers());
  if (observer_ != nullptr) out.observer = observer_->Save();
  out.handshake_until = handshake_until_;
  return out;
}

GreetingImage Session::greeting() const {
  GreetingImage out;
  out.id = id_;
  out.listener = gate_->listener;
  out.peer = proxy_ != nullptr ? *proxy_ : client_address_;
  out.opened = opened_;
  out.last_byte = last_byte();
  out.in_limits = limiter_ != nullptr;
  out.refused = opening_->refused;
  const ByteView read = opening_->greeting.all_bytes();
  out.read.assign(read.begin(), read.end());
  out.first_queued = opening_->first_queued;
  return out;
}

bool Session::Watch() {
  client_watched_ = true;
  return host_.poller().Watch(client_.fd.get(), *this, kClientSlot) &&
         host_.poller().Watch(backend_.fd.get(), *this, kBackendSlot);
}

void Session::Take(Motion&& motion) {
  first_eof_ = motion.first_eof;
  if (first_eof_) phase_ = Phase::kFinishing;
  client_spoke_ = motion.client_spoke;
  backend_spoke_ = motion.backend_spoke;
  tls_ = motion.tls;
  signalled_ = motion.signalled;
  handshake_ = motion.handshake;
  std::ranges::copy(motion.retransmits, retransmits_);
  handshake_bytes_ = motion.handshake_bytes;
  to_backend_.Restore(std::move(motion.to_backend), host_.buffers());
  to_client_.Restore(std::move(motion.to_client), host_.buffers());
  observer_.reset();
  if (const auto observer = tls::RecordObserver::Load(motion.observer)) {
    observer_ = std::make_unique<tls::RecordObserver>(*observer);
  }
  const bool pending = observer_ != nullptr;  // its handshake is under way
  // But for one whose backend has ended.
  if (!pending && tls_ == TlsStage::kHandshake && !cut_off()) tls_ = TlsStage::kUnseen;
  if (pending && !std::exchange(pending_, true)) {
    load_->pending.fetch_add(1, std::memory_order_relaxed);
  }
  if (!pending) LeavePlace();
  handshake_until_ = pending ? motion.handshake_until : TimePoint();
}

void Session::GoOn() {
  if (handshake_until_ == TimePoint() || cut_off()) {
    host_.timeouts().Arm(*this, idle_limit(), last_byte());
  } else {
    host_.timeouts().ArmBy(*this, std::min(last_byte() + idle_timeout_, handshake_until_),
                           last_byte());
  }
  // The poller tells what is there, but for what the kernel keeps quiet about.
  if (to_backend_.bulk()) client_.readable = true;
  if (to_client_.bulk()) backend_.readable = true;
  const bool more = to_backend_.CanMove(client_, backend_) || to_client_.CanMove(backend_, client_);
  if (more && !std::exchange(again_, true)) host_.Again(*this);
}

void Session::Resume(const GreetingImage& image) {
  opened_ = image.opened;
  client_spoke_ = backend_spoke_ = image.last_byte;
  Opening& opening = *opening_;
  if (image.refused) {
    opening.refused = image.refused;
    host_.timeouts().Arm(*this, kLinger, host_.now());
    WatchLeg(client_, kClientSlot);
    return;
  }
  opening.in_limits = image.in_limits;
  opening.first_queued = image.first_queued;
  host_.timeouts().Arm(*this, opening.listener->config.hello_timeout, host_.now());
  if (opening.greeting.state() == Greeting::State::kHello && !Admit()) return;
  if (!image.read.empty()) Greet(opening.greeting.Feed(image.read));
  if (!closed_ && phase_ == Phase::kGreeting) WatchLeg(client_, kClientSlot);
}

void Session::Disown() {
  if (closed_) return;
  closed_ = true;
  LetGo(host_.now());
  opening_.reset();
  observer_.reset();
  host_.Ended(*this);
}

}  // namespace sstplb::session
