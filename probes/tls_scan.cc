// SPDX-License-Identifier: Apache-2.0
#include "probes/tls_scan.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "probes/net_probe.h"

namespace sstplb::probes {
namespace {

constexpr Duration kGoodbye = std::chrono::milliseconds(300);

struct Version {
  int number;
  const char* name;
};
constexpr Version kVersions[] = {
    {TLS1_VERSION, "TLSv1"},
    {TLS1_1_VERSION, "TLSv1.1"},
    {TLS1_2_VERSION, "TLSv1.2"},
    {TLS1_3_VERSION, "TLSv1.3"},
};

// Whatever OpenSSL can speak, weak or not: the question is what the server takes.
SslCtxPtr ContextFor(int version) {
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return context;
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cipher_list(context.get(), "ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  return context;
}

// The ciphers that the context would offer in its version.
std::vector<std::string> CiphersOf(SSL_CTX* context) {
  std::vector<std::string> names;
  const SslPtr ssl(SSL_new(context));
  if (!ssl) return names;
  STACK_OF(SSL_CIPHER)* all = SSL_get1_supported_ciphers(ssl.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    names.emplace_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)));
  }
  sk_SSL_CIPHER_free(all);
  return names;
}

void Offer(SSL_CTX* context, int version, const std::vector<std::string>& ciphers) {
  std::string list;
  for (const std::string& name : ciphers) list += (list.empty() ? "" : ":") + name;
  if (version == TLS1_3_VERSION) {
    SSL_CTX_set_ciphersuites(context, list.c_str());
  } else {
    SSL_CTX_set_cipher_list(context, (list + ":@SECLEVEL=0").c_str());
  }
}

std::string How(const Trouble& trouble) {
  return trouble.detail.empty() ? std::string(ToString(trouble.outcome)) : trouble.detail;
}

// An old server answers in a version of its own, whatever was offered.
bool AnotherVersion(const Trouble& trouble) {
  const char* const text =
      ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNSUPPORTED_PROTOCOL));
  return text != nullptr && trouble.detail == text;
}

// A server that closes without a byte, or says nothing, may be full or slow for a moment.
bool IsRefusal(const Trouble& trouble, const Channel& channel) {
  switch (trouble.outcome) {
    case Outcome::kTlsAlert:
      return true;
    case Outcome::kTlsClosed:
      return channel.received_any();
    default:
      return AnotherVersion(trouble);
  }
}

}  // namespace

TlsScan::TlsScan(Loop& loop, ProbeRequest request)
    : loop_(loop), request_(std::move(request)), timer_(loop.ev()), next_(loop.ev()) {
  timer_.set<TlsScan, &TlsScan::OnTimeout>(this);
  next_.set<TlsScan, &TlsScan::OnNext>(this);
}

TlsScan::~TlsScan() {
  timer_.stop();
  next_.stop();
}

void TlsScan::Start(Callback done) {
  done_ = std::move(done);
  started_ = Clock::now();
  version_ = 0;
  next_.start(0.0);
}

void TlsScan::OnNext(ev::timer& /*watcher*/, int /*events*/) {
  channel_.reset();
  if (tries_ > 0) return Attempt();
  NextVersion();
}

void TlsScan::NextVersion() {
  if (!request_.address) return Finish("no address");
  if (version_ == std::size(kVersions)) return Finish({});
  context_ = ContextFor(kVersions[version_].number);
  offer_ = context_ ? CiphersOf(context_.get()) : std::vector<std::string>{};
  report_.versions.push_back({kVersions[version_].name, {}, {}, {}});
  if (offer_.empty()) return Refused("this host cannot speak it");
  Attempt();
}

void TlsScan::Attempt() {
  if (offer_.empty()) return Refused({});
  if (++report_.connections > kMaxConnections) return Finish("too many connections");
  Offer(context_.get(), kVersions[version_].number, offer_);
  channel_ = std::make_unique<Channel>(loop_);
  ::ev_now_update(loop_.ev());
  timer_.start(EvSeconds(request_.settings.timeout));
  channel_->Connect(*request_.address, request_.source,
                    [this](const std::optional<Trouble>& trouble) {
                      if (trouble) return Finish(How(*trouble));
                      OnConnected();
                    });
}

void TlsScan::OnConnected() {
  const Bytes header = ProxyHeader(request_, channel_->local());
  if (header.empty()) return ShakeHands();
  channel_->Write(header, [this](const std::optional<Trouble>& trouble) {
    if (trouble) return Finish(How(*trouble));
    ShakeHands();
  });
}

void TlsScan::ShakeHands() {
  channel_->Handshake(context_.get(), {request_.server_name, {}},
                      [this](const std::optional<Trouble>& trouble) { OnShaken(trouble); });
}

void TlsScan::OnShaken(const std::optional<Trouble>& trouble) {
  timer_.stop();
  if (trouble && IsRefusal(*trouble, *channel_)) return Refused(How(*trouble));
  if (trouble) return Unclear(How(*trouble));
  tries_ = 0;
  const std::string picked = SSL_get_cipher_name(channel_->ssl());
  report_.versions.back().accepted.push_back(picked);
  std::erase(offer_, picked);
  channel_->Close(kGoodbye, [this] { Attempt(); });
}

void TlsScan::OnTimeout(ev::timer& /*watcher*/, int /*events*/) { Unclear("no answer"); }

// Tried once more; then no more is known of the version.
void TlsScan::Unclear(const std::string& how) {
  timer_.stop();
  if (++tries_ > 1) {
    report_.versions.back().trouble = how + ", twice";
    return LeaveVersion();
  }
  next_.start(0.0);  // the channel is on the stack
}

// The version is done: what is left of the offer is refused, or nothing is left.
void TlsScan::Refused(const std::string& how) {
  timer_.stop();
  report_.versions.back().refused = offer_;
  report_.versions.back().refusal = how;
  LeaveVersion();
}

void TlsScan::LeaveVersion() {
  tries_ = 0;
  ++version_;
  next_.start(0.0);  // the channel is on the stack
}

void TlsScan::Finish(std::string trouble) {
  timer_.stop();
  report_.trouble = std::move(trouble);
  report_.took = Clock::now() - started_;
  const Callback done = std::exchange(done_, nullptr);
  const ScanReport report = std::move(report_);
  done(report);  // may destroy this
}

}  // namespace sstplb::probes
