// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/message.h"

#include "lb/admin/json.h"

namespace sstplb::admin {
namespace {

struct Code {
  int status;
  std::string_view word;
};

Code CodeOf(control::FailureCode code) {
  switch (code) {
    case control::FailureCode::kInvalid:
      return {400, "invalid"};
    case control::FailureCode::kNotFound:
      return {404, "not_found"};
    case control::FailureCode::kConflict:
      return {409, "conflict"};
    case control::FailureCode::kTimeout:
      return {504, "timeout"};
    case control::FailureCode::kInternal:
      break;
  }
  return {500, "internal"};
}

}  // namespace

std::span<const std::pair<std::string_view, std::string_view>> StandardHeaders() {
  static constexpr std::pair<std::string_view, std::string_view> kHeaders[] = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
       "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-store"},
  };
  return kHeaders;
}

Response JsonResponse(std::string json, int status) {
  Response response;
  response.status = status;
  response.body = std::move(json);
  response.body += '\n';
  return response;
}

Response TextResponse(std::string text, int status) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

Response ErrorResponse(int status, std::string_view code, std::string_view message,
                       std::string_view field) {
  return JsonResponse(ErrorJson(code, message, field), status);
}

Response ErrorResponse(const control::Failure& failure) {
  const Code code = CodeOf(failure.code);
  return ErrorResponse(code.status, code.word, failure.message, failure.field);
}

}  // namespace sstplb::admin
