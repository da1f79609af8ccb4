// SPDX-License-Identifier: Apache-2.0
#include "host/client/server_trial.hpp"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/Exception.h>

#include "host/client/connector.hpp"
#include "host/client/resolve.hpp"

namespace rolesync {
namespace {

std::optional<Millis> date_of(const HttpAnswer& answer) {
  const auto date = answer.headers.find("date");
  if (date == answer.headers.end()) return std::nullopt;
  try {
    int zone = 0;
    return Poco::DateTimeParser::parse(Poco::DateTimeFormat::HTTP_FORMAT, date->second, zone)
               .timestamp()
               .epochMicroseconds() /
           1000;
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

void ask(const ServerAddress& address, const std::string& bearer_token, const std::string& path,
         std::chrono::milliseconds limit, ServerTrial& trial) {
  Result<std::unique_ptr<HttpClient>> client = HttpClient::create(address, bearer_token);
  if (!client) {
    trial.answered = trial.accepted = client.error();
    return;
  }
  HttpRequest request;
  request.path = path;
  request.time_limit = limit;
  Result<HttpAnswer> answer = (*client)->send(request);
  if (!answer) {
    trial.answered = trial.accepted = answer.error();
    return;
  }
  if (answer->status > 299 && answer->status != 304) trial.accepted = error_from_answer(*answer);
  trial.server_time = date_of(*answer);
}

void connect(const Connector& connector, Interrupter& interrupter, Deadline deadline,
             ServerTrial& trial) {
  bool accepted = false;
  Result<Wire> wire = connector.connect(interrupter, deadline, &accepted);
  if (wire) {
    trial.certificate_expires_at = wire->channel()->peer_certificate_expires_at();
    return;
  }
  if (!accepted) trial.reached = wire.error();
  trial.accepted = wire.error();
  if (accepted) trial.trusted = wire.error();
}

}  // namespace

ServerTrial try_server(const ServerAddress& address, const std::string& bearer_token,
                       const std::string& path, std::chrono::milliseconds limit) {
  ServerTrial trial;
  const Deadline deadline = std::chrono::steady_clock::now() + limit;
  Result<Connector> connector = Connector::create(address);
  if (!connector) {
    trial.address = trial.accepted = connector.error();
    return trial;
  }
  trial.secure = connector->secure();
  Interrupter interrupter;
  auto addresses = resolve(connector->host(), connector->port(), interrupter, deadline);
  if (!addresses) {
    trial.name = trial.accepted = addresses.error();
    return trial;
  }
  for (const auto& each : *addresses) trial.addresses.push_back(each.toString());
  connect(*connector, interrupter, deadline, trial);
  if (trial.accepted) ask(address, bearer_token, path, limit, trial);
  return trial;
}

}  // namespace rolesync
