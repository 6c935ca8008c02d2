// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/messages.h"

#include <algorithm>
#include <cmath>

#include "lb/handoff/record.h"

namespace sstplb::handoff {
namespace {

constexpr std::uint32_t kMagic = 0x73737470;  // "sstp"
constexpr double kPaceUnit = 1000;
constexpr std::uint32_t kMaxBuckets = 64;

// The one record of a body.
std::optional<RecordReader> Only(ByteView body) {
  Reader reader(body);
  return RecordReader::Next(reader);
}

// As many records as the body has; `read` makes a value of each.
template <class T, class Read>
std::optional<std::vector<T>> All(ByteView body, Read read) {
  std::vector<T> values;
  for (Reader reader(body); !reader.empty();) {
    auto record = RecordReader::Next(reader);
    if (!record) return std::nullopt;
    values.push_back(read(*record));
    if (!record->ok()) return std::nullopt;
  }
  return values;
}

void WriteDrain(RecordWriter& out, const std::optional<backend::Drain>& given) {
  const backend::Drain drain = given.value_or(backend::Drain{});
  out.U8(given ? 1 : 0);
  out.Wall(drain.since);
  out.Wall(drain.begins);
  out.U8(drain.deadline ? 1 : 0);
  out.Wall(drain.deadline.value_or(WallTime()));
  out.U64(static_cast<std::uint64_t>(std::llround(drain.pace.value_or(0) * kPaceUnit)));
  out.U8(drain.idle_first ? 1 : 0);
}

std::optional<backend::Drain> ReadDrain(RecordReader& in) {
  const bool given = in.U8() != 0;
  backend::Drain drain;
  drain.since = in.Wall();
  drain.begins = in.Wall();
  const bool has_deadline = in.U8() != 0;
  const WallTime deadline = in.Wall();
  if (has_deadline) drain.deadline = deadline;
  if (const std::uint64_t pace = in.U64()) drain.pace = static_cast<double>(pace) / kPaceUnit;
  drain.idle_first = in.U8() != 0;
  return given ? std::optional(drain) : std::nullopt;
}

void WriteEjection(RecordWriter& out, const std::optional<Ejection>& given) {
  const Ejection ejection = given.value_or(Ejection{});
  out.U8(given ? 1 : 0);
  out.Time(ejection.since);
  out.Time(ejection.until);
  out.String(ejection.signal);
  out.U32(ejection.failures);
  out.U32(ejection.sources);
  out.U32(ejection.other_failures);
  out.U32(ejection.other_sources);
}

std::optional<Ejection> ReadEjection(RecordReader& in) {
  const bool given = in.U8() != 0;
  Ejection ejection;
  ejection.since = in.Time();
  ejection.until = in.Time();
  ejection.signal = in.Text();
  ejection.failures = in.U32();
  ejection.sources = in.U32();
  ejection.other_failures = in.U32();
  ejection.other_sources = in.U32();
  return given ? std::optional(ejection) : std::nullopt;
}

}  // namespace

void EncodeHello(const Hello& hello, Bytes& body) {
  RecordWriter out(body);
  out.U32(kMagic);
  out.U16(hello.lowest);
  out.U16(hello.highest);
  out.U32(hello.features);
  out.U32(hello.descriptors);
  out.String(hello.program);
}

std::optional<Hello> DecodeHello(ByteView body) {
  auto in = Only(body);
  if (!in || in->U32() != kMagic) return std::nullopt;
  Hello hello;
  hello.lowest = in->U16();
  hello.highest = in->U16();
  hello.features = in->U32();
  hello.descriptors = in->U32();
  hello.program = in->Text();
  if (!in->ok()) return std::nullopt;
  return hello;
}

void EncodeOffer(const Offer& offer, Bytes& body) {
  RecordWriter out(body);
  out.U16(offer.version);
  out.U32(offer.features);
  out.U32(offer.workers);
  out.U32(offer.sessions);
  out.U32(offer.descriptors);
  out.String(offer.program);
}

std::optional<Offer> DecodeOffer(ByteView body) {
  auto in = Only(body);
  if (!in) return std::nullopt;
  Offer offer;
  offer.version = in->U16();
  offer.features = in->U32();
  offer.workers = in->U32();
  offer.sessions = in->U32();
  offer.descriptors = in->U32();
  offer.program = in->Text();
  if (!in->ok()) return std::nullopt;
  return offer;
}

void EncodeSocket(const OfferedSocket& socket, Bytes& body) {
  RecordWriter out(body);
  out.U8(static_cast<std::uint8_t>(socket.kind));
  out.String(socket.name);
  out.U32(socket.worker);
  out.Address(socket.configured);
  out.U8(socket.shared ? 1 : 0);
}

std::optional<std::vector<OfferedSocket>> DecodeSockets(ByteView body, std::vector<Fd>&& fds) {
  auto sockets = All<OfferedSocket>(body, [](RecordReader& in) {
    OfferedSocket socket;
    socket.kind = static_cast<SocketKind>(in.U8());
    socket.name = in.Text();
    socket.worker = in.U32();
    socket.configured = in.Address();
    socket.shared = in.U8() != 0;
    return socket;
  });
  if (!sockets || sockets->size() != fds.size()) return std::nullopt;
  for (std::size_t i = 0; i < fds.size(); ++i) (*sockets)[i].fd = std::move(fds[i]);
  return sockets;
}

void EncodeBackend(const BackendState& state, Bytes& body) {
  RecordWriter out(body);
  out.String(state.pool);
  out.String(state.backend);
  out.U8(static_cast<std::uint8_t>(state.probed.health));
  out.U64(state.probed.bits);
  out.U32(state.probed.count);
  out.U32(state.probed.streak);
  out.U32(state.probed.dead_run);
  out.Address(state.resolved);
  out.Wall(state.down_since.value_or(WallTime()));
  WriteDrain(out, state.departed);
  out.Time(state.ready_since.value_or(TimePoint()));
  out.U32(state.ejections);
  out.Time(state.readmitted);
  WriteEjection(out, state.ejected);
  out.String(state.server_kind);
  out.U64(state.certificate_changes);
}

std::optional<std::vector<BackendState>> DecodeBackends(ByteView body) {
  return All<BackendState>(body, [](RecordReader& in) {
    BackendState state;
    state.pool = in.Text();
    state.backend = in.Text();
    const std::uint8_t health = in.U8();
    if (health <= static_cast<std::uint8_t>(probes::Health::kDown)) {
      state.probed.health = static_cast<probes::Health>(health);
    }
    state.probed.bits = in.U64();
    state.probed.count = in.U32();
    state.probed.streak = in.U32();
    state.probed.dead_run = in.U32();
    state.resolved = in.Address();
    if (const WallTime since = in.Wall(); since != WallTime()) state.down_since = since;
    state.departed = ReadDrain(in);
    if (const TimePoint since = in.Time(); since != TimePoint()) state.ready_since = since;
    state.ejections = in.U32();
    state.readmitted = in.Time();
    state.ejected = ReadEjection(in);
    state.server_kind = in.Text();
    state.certificate_changes = in.U64();
    return state;
  });
}

void EncodeAffinity(const Affinity& affinity, Bytes& body) {
  RecordWriter out(body);
  out.String(affinity.pool);
  out.Address(SocketAddress{affinity.entry.source, 0});
  out.String(affinity.entry.backend);
  out.Span(affinity.entry.left);
}

std::optional<std::vector<Affinity>> DecodeAffinity(ByteView body) {
  return All<Affinity>(body, [](RecordReader& in) {
    Affinity affinity;
    affinity.pool = in.Text();
    if (const auto source = in.Address()) affinity.entry.source = source->ip;
    affinity.entry.backend = in.Text();
    affinity.entry.left = in.Span();
    return affinity;
  });
}

void EncodeControl(const ControlState& state, Bytes& body) {
  RecordWriter out(body);
  WriteDrain(out, state.drain_all);
  out.U8(state.refusing ? 1 : 0);
  out.U64(state.handoffs.taken);
  out.U64(state.handoffs.failed);
  out.U64(state.handoffs.sessions);
  out.Span(state.handoffs.pause_sum);
  out.U32(static_cast<std::uint32_t>(state.handoffs.pauses.size()));
  for (const std::uint64_t count : state.handoffs.pauses) out.U64(count);
}

std::optional<ControlState> DecodeControl(ByteView body) {
  auto in = Only(body);
  if (!in) return std::nullopt;
  ControlState state;
  state.drain_all = ReadDrain(*in);
  state.refusing = in->U8() != 0;
  state.handoffs.taken = in->U64();
  state.handoffs.failed = in->U64();
  state.handoffs.sessions = in->U64();
  state.handoffs.pause_sum = in->Span();
  const std::uint32_t pauses = std::min(in->U32(), kMaxBuckets);
  for (std::uint32_t i = 0; i < pauses; ++i) state.handoffs.pauses.push_back(in->U64());
  if (!in->ok()) return std::nullopt;
  return state;
}

void EncodeEnd(const End& end, Bytes& body) {
  RecordWriter out(body);
  out.U32(end.relaying);
  out.U32(end.greeting);
  out.Time(end.frozen);
  out.U64(end.last_session);
}

std::optional<End> DecodeEnd(ByteView body) {
  auto in = Only(body);
  if (!in) return std::nullopt;
  End end;
  end.relaying = in->U32();
  end.greeting = in->U32();
  end.frozen = in->Time();
  end.last_session = in->U64();
  if (!in->ok()) return std::nullopt;
  return end;
}

}  // namespace sstplb::handoff
