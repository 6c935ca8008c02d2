// What a backend's TLS shows once the handshake is done, and whether its certificate is good
// enough for the `verify` of a pool.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/config/config.h"
#include "probes/channel.h"
#include "probes/report.h"

namespace sstplb::probes {

// `ssl` has finished its handshake.
TlsFacts ReadTlsFacts(SSL* ssl);

// Why the certificate is not good enough; nullopt when it is. With verify = "name" the name is
// `server_name`, or the address when that is empty.
std::optional<Trouble> JudgeCertificate(SSL* ssl, config::Verify verify,
                                        const std::string& server_name, const IpAddress& address);

}  // namespace sstplb::probes
