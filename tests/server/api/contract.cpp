// SPDX-License-Identifier: Apache-2.0
// The only file that knows valijson and yaml-cpp: both cost seconds of compiler time.
#include "contract.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "host/values/json.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

// A plain scalar is what YAML 1.2 makes of it; a quoted one is text.
Json scalar(const YAML::Node& node) {
  const std::string text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text == "true") return true;
  if (text == "false") return false;
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole);
      error == std::errc{} && stop == end) {
    return whole;
  }
  return text;
}

Json to_json(const YAML::Node& node) {
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& each : node) object[each.first.as<std::string>()] = to_json(each.second);
    return object;
  }
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const auto& each : node) array.push_back(to_json(each));
    return array;
  }
  return node.IsScalar() ? scalar(node) : Json();
}

// valijson asks a format of null as well, which JSON Schema does not.
void allow_null(Json& schema) {
  if (schema.is_object() && schema.contains("format") && schema.contains("type") &&
      schema["type"] == Json({"string", "null"})) {
    schema = {{"anyOf", {{{"type", "null"}}, {{"type", "string"}, {"format", schema["format"]}}}}};
  }
  for (Json& inner : schema) {
    if (inner.is_structured()) allow_null(inner);
  }
}

struct Operation {
  std::regex path;
  int literals = 0;
  std::string method, name;
  Json responses;
};

class Contract {
 public:
  Contract() : document_(to_json(YAML::LoadFile(source_directory() + "/server/api/openapi.yaml"))) {
    allow_null(document_);
    for (const auto& [path, item] : document_.at("paths").items()) {
      for (const char* method : {"get", "put", "post", "delete"}) {
        if (item.contains(method)) add(path, method, item.at(method));
      }
    }
  }

  std::string check(const std::string& method, const std::string& path, int status,
                    const std::map<std::string, std::string>& headers, const std::string& body) {
    const Operation* operation = find(method == "HEAD" ? "GET" : method, path);
    if (!operation) return "";  // a page of the web UI, or nothing: no operation promises anything
    const std::string code = std::to_string(status);
    const Json& responses = operation->responses;
    if (!responses.contains(code) && status < 400) return code + " is not described";
    const Json& response =
        resolved(responses.contains(code) ? responses.at(code) : responses.at("default"));
    if (!response.contains("content")) {
      return body.empty() ? "" : code + " is described without a body and has one";
    }
    if (method == "HEAD") return "";
    const auto sent = headers.find("content-type");
    const std::string type =
        sent == headers.end() ? "" : sent->second.substr(0, sent->second.find(';'));
    const Json& content = response.at("content");
    if (!content.contains(type)) return "the type \"" + type + "\" is not described for " + code;
    if (type.find("json") == std::string::npos || type == "application/x-ndjson") return "";
    return validate(operation->name + " " + code + " " + type, content.at(type).at("schema"), body);
  }

 private:
  void add(const std::string& path, const std::string& method, const Json& item) {
    Operation operation;
    std::string pattern = "^";
    for (std::size_t i = 0; i < path.size();) {
      if (path[i] == '{') {
        pattern += "[^/]+";
        i = path.find('}', i) + 1;
      } else {
        pattern += path[i] == '.' ? "\\." : std::string(1, path[i]);
        ++operation.literals;
        ++i;
      }
    }
    operation.path = std::regex(pattern + "$");
    operation.method = method;
    for (char& c : operation.method) c = static_cast<char>(std::toupper(c));
    operation.name = operation.method + " " + path;
    operation.responses = item.at("responses");
    operations_.push_back(std::move(operation));
  }

  const Operation* find(const std::string& method, const std::string& path) const {
    const std::string plain = path.substr(0, path.find('?'));
    const Operation* best = nullptr;
    for (const Operation& each : operations_) {
      if (each.method != method || (best && best->literals >= each.literals)) continue;
      if (std::regex_match(plain, each.path)) best = &each;
    }
    return best;
  }

  const Json& resolved(const Json& object) const {
    if (!object.contains("$ref")) return object;
    return document_.at(Json::json_pointer(object.at("$ref").get<std::string>().substr(1)));
  }

  // References in a schema begin at the top of the document, so its components come along.
  const valijson::Schema& schema(const std::string& name, const Json& given) {
    auto& known = schemas_[name];
    if (known) return *known;
    known = std::make_unique<valijson::Schema>();
    roots_.push_back({{"components", document_.at("components")}, {"allOf", {given}}});
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(roots_.back()), *known);
    return *known;
  }

  std::string validate(const std::string& name, const Json& given, const std::string& body) {
    const auto json = parse_json(body, {64 << 20, 64});
    if (!json) return "is no JSON: " + json.error().message;
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (validator.validate(schema(name, given), valijson::adapters::NlohmannJsonAdapter(*json),
                           &results)) {
      return "";
    }
    std::string text;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const std::string& each : error.context) text += each;
      text += ": " + error.description + "\n";
    }
    return text;
  }

  Json document_;
  std::vector<Operation> operations_;
  std::map<std::string, std::unique_ptr<valijson::Schema>> schemas_;
  std::vector<Json> roots_;
};

}  // namespace

std::string breach_of_contract(const std::string& method, const std::string& path, int status,
                               const std::map<std::string, std::string>& headers,
                               const std::string& body) {
  static Contract contract;
  try {
    return contract.check(method, path, status, headers, body);
  } catch (const std::exception& e) {
    return std::string("openapi.yaml cannot be used: ") + e.what();
  }
}

}  // namespace rolesync
