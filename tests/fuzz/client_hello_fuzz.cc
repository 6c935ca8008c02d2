// Fuzzing what a stranger sends first: the ClientHello reader, what is done with a parsed hello,
// and the record observer.
//
// Properties, beyond "no crash": an answer that a prefix gave is the answer of every longer input;
// asking after each piece gives what asking once gives; nothing that is handed out points outside
// the hello; a name that has a normal form is its own normal form; the observer's facts do not
// depend on how the bytes were cut.
//
// Seeds: hello
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "lb/tls/client_hello.h"
#include "lb/tls/ja4.h"
#include "lb/tls/record_observer.h"
#include "lb/tls/server_name.h"

namespace sstplb::tls {
namespace {

void Require(bool property) {
  if (!property) std::abort();
}

// Reads every byte of a view, so that the sanitizer sees one that is out of bounds.
unsigned Touch(ByteView bytes) {
  unsigned sum = 0;
  for (const std::uint8_t byte : bytes) sum += byte;
  return sum;
}

void CheckName(std::string_view raw) {
  const std::optional<std::string> name = NormaliseServerName(raw);
  if (!name) return;
  Require(!name->empty() && name->size() <= 253);
  Require(NormaliseServerName(*name) == name);
  Require(IsValidPattern(*name));
  NameMap names;
  Require(names.Add(*name, 7) && names.Find(*name) == 7);
}

void CheckHello(const ClientHello& hello, std::size_t size) {
  Require(hello.hello_len > 9 && hello.hello_len <= size);
  Require(hello.session_id.size() <= 32);
  Require(hello.has_sni != hello.sni.empty());
  volatile unsigned sink = Touch(hello.session_id) + Touch(AsBytes(hello.sni));
  std::size_t extensions = 0;
  for (const Extension& extension : hello.extensions) {
    sink = sink + Touch(extension.data);
    ++extensions;
  }
  Require(extensions == hello.extension_count);
  for (const std::string_view name : hello.alpn) Require(!name.empty());
  for (const std::uint16_t group : hello.key_share_groups) sink = sink + group;
  for (const std::uint16_t version : hello.supported_versions) sink = sink + version;
  for (const char c : Ja4(hello)) Require(c > ' ' && c < 127);
  Require(Ja4(hello).size() == 36);
  if (hello.has_sni) CheckName(hello.sni);
}

// The answer of a reader that is asked after every `step` bytes.
void CheckPieces(ByteView input, std::size_t step, const HelloReader& whole) {
  HelloReader reader;
  for (std::size_t size = 0; size < input.size(); size += step) {
    const HelloVerdict verdict = reader.Look(input.first(size));
    HelloReader fresh;
    Require(fresh.Look(input.first(size)) == verdict);
    if (verdict != HelloVerdict::kNeedMore) break;
  }
  Require(reader.Look(input) == whole.verdict());
  if (whole.verdict() != HelloVerdict::kParsed) return;
  Require(reader.hello().hello_len == whole.hello().hello_len);
  Require(reader.hello().sni == whole.hello().sni);
}

// The input as both directions: its first byte says how often they take turns.
void CheckObserver(ByteView input) {
  if (input.empty()) return;
  const std::size_t turn = 1 + input[0] * std::size_t{7};
  RecordObserver whole;
  RecordObserver cut;
  bool client = true;
  for (ByteView rest = input.subspan(1); !rest.empty(); client = !client) {
    const ByteView now = rest.first(std::min(turn, rest.size()));
    client ? whole.FromClient(now) : whole.FromServer(now);
    for (const std::uint8_t& byte : now) {
      client ? cut.FromClient({&byte, 1}) : cut.FromServer({&byte, 1});
    }
    rest = rest.subspan(now.size());
  }
  Require(whole.facts() == cut.facts());
  Require(whole.done() == cut.done());
}

}  // namespace
}  // namespace sstplb::tls

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sstplb::tls;
  const sstplb::ByteView input(data, size);
  HelloReader whole;
  Require(whole.Look(input) == whole.verdict());
  if (whole.verdict() == HelloVerdict::kParsed) CheckHello(whole.hello(), size);
  // Prefixes one by one for small inputs, in about 64 steps for large ones.
  CheckPieces(input, 1 + size / 64, whole);
  CheckObserver(input);
  CheckName(sstplb::AsText(input));
  return 0;
}
