// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/wire_bio.h"

#include <algorithm>
#include <memory>

#include "lb/tunnel/openssl_ptr.h"

namespace sstplb::tunnel {
namespace {

Wire& WireOf(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int Read(BIO* bio, char* out, std::size_t size, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  Wire& wire = WireOf(bio);
  if (wire.in.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *read = std::min(size, wire.in.size());
  std::copy_n(wire.in.begin(), *read, reinterpret_cast<std::uint8_t*>(out));
  wire.in = wire.in.subspan(*read);
  return 1;
}

int Write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  Bytes& out = WireOf(bio).out;
  out.insert(out.end(), data, data + size);
  *written = size;
  return 1;
}

long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int Create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

using Method = std::unique_ptr<BIO_METHOD, Freer<BIO_meth_free>>;

Method MakeMethod() {
  Method method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sstplb wire"));
  if (method == nullptr) return nullptr;
  BIO_meth_set_create(method.get(), Create);
  BIO_meth_set_read_ex(method.get(), Read);
  BIO_meth_set_write_ex(method.get(), Write);
  BIO_meth_set_ctrl(method.get(), Control);
  return method;
}

}  // namespace

BIO* NewWireBio(Wire& wire) {
  static const Method kMethod = MakeMethod();  // never changes
  BIO* bio = kMethod != nullptr ? BIO_new(kMethod.get()) : nullptr;
  if (bio != nullptr) BIO_set_data(bio, &wire);
  return bio;
}

}  // namespace sstplb::tunnel
