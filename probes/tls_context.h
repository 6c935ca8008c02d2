// TlsContext: what a prober needs of TLS, apart from the data path and from everything else.
//
// A probe asks whether a backend serves its clients, so it is as patient as they are: TLS 1.2 and
// up, security level 1, any certificate. Whether the certificate is good is judged after the
// handshake (certificate.h), so that its facts are known even when it is not.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "lb/base/result.h"

namespace sstplb::probes {

struct SslCtxDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, SslCtxDeleter>;

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

// The contexts of one prober, one per pair of files. A file that was changed on disk (a new CRL) is
// read again at the next Get(). Not thread-safe.
class TlsContexts {
 public:
  // A session that uses the context keeps it alive by itself; the pointer holds until the next
  // Get(). `ca_file` "": the system's roots. `crl_file` "": none; else the server's own certificate
  // is looked up in it (those of its chain are not). Errors name the file.
  Result<SSL_CTX*> Get(const std::string& ca_file, const std::string& crl_file);

 private:
  struct Kept {
    std::string stamp;  // of both files, to see a change
    SslCtxPtr context;
  };
  std::map<std::pair<std::string, std::string>, Kept> kept_;
};

}  // namespace sstplb::probes
