// RunningServer: an AdminServer over a FakeApi, at a socket in a folder of its own and at a port of
// the loopback address.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "lb/admin/server.h"
#include "tests/admin/fake_api.h"
#include "tests/admin/raw_client.h"
#include "tests/admin/temp_folder.h"

namespace sstplb::testing {

class RunningServer {
 public:
  // `token`: "" for none.
  explicit RunningServer(const std::string& token = "") {
    config::Admin options;
    options.socket = socket_path();
    options.socket_mode = 0600;
    options.http = SocketAddress::Parse("127.0.0.1:0");
    if (!token.empty()) {
      options.http_token_file = folder_ / "token";
      std::ofstream(options.http_token_file) << token << "\n";
    }
    auto opened = admin::AdminServer::Open(options, api, *logger_);
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return;
    }
    server = std::move(*opened);
    server->Start();
  }

  std::string socket_path() const { return folder_ / "admin.sock"; }

  Reply Ask(std::string_view method, std::string_view target, std::string_view body = "",
            const Headers& headers = {}) const {
    return Exchange(ConnectUnix(socket_path()), MakeRequest(method, target, body, headers));
  }
  Reply AskHttp(std::string_view method, std::string_view target, std::string_view body = "",
                const Headers& headers = {}) const {
    return Exchange(ConnectTcp(*server->http_address()),
                    MakeRequest(method, target, body, headers));
  }

  FakeApi api;
  std::unique_ptr<admin::AdminServer> server;

 private:
  TempFolder folder_;
  std::unique_ptr<Logger> logger_ = Logger::Null();
};

}  // namespace sstplb::testing
