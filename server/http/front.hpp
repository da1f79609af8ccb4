// SPDX-License-Identifier: Apache-2.0
// The HTTP front: accepts connections, reads whole requests without blocking, and hands each to a
// worker thread that runs its handler. A connection that is idle, slow, waiting for an answer
// (long poll) or following events costs memory but no thread. Owned by main; the handlers run on
// worker threads, several at a time.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/values/result.hpp"
#include "server/http/router.hpp"

namespace rolesync::http {

struct FrontLimits {
  std::size_t max_connections = 12'000;           // one more is answered 503 and closed
  std::size_t max_head = 32 << 10;                // bytes of request line and headers; else 431
  std::size_t max_fields = 100;                   // header fields; else 431
  std::size_t max_buffered = 256 << 20;           // bytes of unfinished requests in all; else 503
  std::size_t max_queued = 4'096;                 // requests that wait for a worker; else 503
  std::size_t max_streams = 256;                  // upgraded connections (a thread each); else 503
  std::size_t max_event_backlog = 256 << 10;      // bytes an event subscriber may lag; else dropped
  std::chrono::milliseconds head_time{10'000};    // handshake and head of one request, in all
  std::chrono::milliseconds body_time{60'000};    // its body, in all; else 408
  std::chrono::milliseconds write_stall{30'000};  // an answer that makes no progress
  std::chrono::milliseconds idle_time{90'000};    // between two requests
  std::chrono::milliseconds linger_time{2'000};   // for the client to read a last answer
  std::chrono::milliseconds stop_time{5'000};     // what stop() grants requests in progress
};

// What was answered, for the access log. `detail` is set when a handler threw: for the log only.
struct RequestRecord {
  std::string id, peer, method, path, principal;
  int status = 0;
  std::chrono::microseconds duration{0};
  std::string detail;
};

struct FrontOptions {
  std::string address = "127.0.0.1";  // an IP address
  std::uint16_t port = 0;             // 0: any free one
  std::string certificate_file;       // both or none; none is allowed on loopback only
  std::string key_file;
  int io_threads = 2;
  int workers = 8;
  int reserved_workers = 2;  // of these, kept for routes of nodes: others cannot starve agents
  FrontLimits limits;
  std::function<void(const RequestRecord&)> on_request;  // any thread; must be quick
};

// Reasons: tls_required, invalid_address, certificate_unreadable, invalid_limits.
Status check(const FrontOptions& options);

struct FrontCounts {
  std::size_t connections = 0, waiting = 0, event_streams = 0, streams = 0, queued = 0;
  std::uint64_t accepted = 0, requests = 0;
};

class Front {
 public:
  // The router must outlive the front and must not change any more.
  Front(FrontOptions options, const Router& router);
  ~Front();  // stops
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  Status start();  // also unavailable/address_in_use
  std::uint16_t port() const;
  std::string url() const;  // "https://127.0.0.1:8770"
  FrontCounts counts() const;

  // For connections that come from now on; those that are there go on. Only for a front that was
  // started with TLS. Error: certificate_unreadable, and the one before stays.
  Status use_certificate(const std::string& certificate_file, const std::string& key_file);

  // No new connections; parked requests are answered 204, event streams end, handlers and answers
  // in progress get stop_time, then streams are broken. Returns when no thread of the front is
  // left; timeout/handlers_still_running when some handler does not return.
  Status stop();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace rolesync::http
