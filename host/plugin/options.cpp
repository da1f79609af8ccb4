// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

namespace rolesync::plugin {
namespace {

using Faults = std::vector<FieldError>;

// JSON pointer with the two characters that need it escaped.
std::string pointer(const std::string& parent, const std::string& key) {
  std::string escaped;
  for (const char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return parent + "/" + escaped;
}

template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The value as the type demands, also when it was given as text; nothing when it does not fit.
std::optional<Json> as_type(const std::string& type, const Json& value) {
  if (type == "string") return value.is_string() ? std::optional(value) : std::nullopt;
  if (type == "boolean") {
    if (value.is_boolean()) return value;
    if (value == "true") return Json(true);
    if (value == "false") return Json(false);
    return std::nullopt;
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (type == "integer") {
      const auto number = number_in<std::int64_t>(text);
      return number ? std::optional(Json(*number)) : std::nullopt;
    }
    const auto number = number_in<double>(text);
    return number && std::isfinite(*number) ? std::optional(Json(*number)) : std::nullopt;
  }
  if (type == "integer") return value.is_number_integer() ? std::optional(value) : std::nullopt;
  return value.is_number() ? std::optional(value) : std::nullopt;
}

bool is_option_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

// What is wrong with a value that has the right type; empty when it fits.
std::string range_fault(const Json& rule, const Json& value) {
  if (const auto choices = rule.find("enum"); choices != rule.end()) {
    if (std::find(choices->begin(), choices->end(), value) == choices->end()) {
      return "must be one of " + choices->dump();
    }
  }
  if (const auto low = rule.find("minimum"); low != rule.end() && value < *low) {
    return "must be at least " + low->dump();
  }
  if (const auto high = rule.find("maximum"); high != rule.end() && value > *high) {
    return "must be at most " + high->dump();
  }
  return "";
}

void check_keyword(const std::string& type, const std::string& key, const Json& value,
                   const std::string& where, Faults& faults) {
  const auto fault = [&](const std::string& detail) { faults.push_back({where, detail}); };
  const bool number_type = type == "integer" || type == "number";
  if (key == "type") return;
  if (key == "help") {
    if (!value.is_string()) fault("must be a string");
  } else if (key == "required") {
    if (!value.is_boolean()) fault("must be true or false");
  } else if (key == "minimum" || key == "maximum") {
    if (!number_type) fault("only numbers have a " + key);
    if (!value.is_number()) fault("must be a number");
  } else if (key == "default") {
    if (value.is_string() != (type == "string") || !as_type(type, value)) {
      fault("is not of type " + type);
    }
  } else if (key == "enum") {
    if (!value.is_array() || value.empty()) return fault("must be a list of values");
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i].is_string() != (type == "string") || !as_type(type, value[i])) {
        faults.push_back({pointer(where, std::to_string(i)), "is not of type " + type});
      }
    }
  } else {
    fault("is not a keyword of an option");
  }
}

void check_rule(const Json& rule, const std::string& where, Faults& faults) {
  if (!rule.is_object()) return faults.push_back({where, "must be an object"});
  const auto type = rule.find("type");
  static const Json types = {"string", "integer", "number", "boolean"};
  if (type == rule.end() || std::find(types.begin(), types.end(), *type) == types.end()) {
    return faults.push_back({where + "/type", "must be string, integer, number or boolean"});
  }
  const std::size_t before = faults.size();
  for (const auto& [key, value] : rule.items()) {
    check_keyword(type->get<std::string>(), key, value, pointer(where, key), faults);
  }
  if (faults.size() != before) return;  // the checks below need sound keywords
  if (rule.contains("minimum") && rule.contains("maximum") && rule["minimum"] > rule["maximum"]) {
    faults.push_back({where + "/minimum", "is above the maximum"});
  }
  if (const auto value = rule.find("default"); value != rule.end()) {
    const std::string fault = range_fault(rule, *value);
    if (!fault.empty()) faults.push_back({where + "/default", fault});
  }
}

Status verdict(Faults faults, const char* reason, const std::string& what) {
  if (faults.empty()) return {};
  std::string message = what + ": " + faults[0].pointer + " " + faults[0].detail;
  return Error{ErrorKind::invalid, reason, std::move(message), "", std::move(faults)};
}

}  // namespace

Status check_options_schema(const Json& schema) {
  Faults faults;
  if (!schema.is_object()) {
    faults.push_back({"", "must be an object"});
  } else {
    for (const auto& [name, rule] : schema.items()) {
      const std::string where = pointer("", name);
      if (!is_option_name(name)) {
        faults.push_back({where, "is not an option name (lower-case letters, digits, '_')"});
      }
      check_rule(rule, where, faults);
    }
  }
  return verdict(std::move(faults), "invalid_options_schema", "the options schema is not valid");
}

Status check_options(const Json& schema, const Json& values) {
  Faults faults;
  if (!values.is_object()) {
    faults.push_back({"", "must be an object"});
    return verdict(std::move(faults), "invalid_options", "the options are not valid");
  }
  for (const auto& [name, value] : values.items()) {
    const std::string where = pointer("", name);
    const auto rule = schema.find(name);
    if (rule == schema.end()) {
      faults.push_back({where, "is not an option of this plugin"});
      continue;
    }
    const auto type = (*rule)["type"].get<std::string>();
    const std::optional<Json> typed = as_type(type, value);
    const std::string fault = typed ? range_fault(*rule, *typed) : "must be of type " + type;
    if (!fault.empty()) faults.push_back({where, fault});
  }
  for (const auto& [name, rule] : schema.items()) {
    if (rule.value("required", false) && !values.contains(name)) {
      faults.push_back({pointer("", name), "is required"});
    }
  }
  return verdict(std::move(faults), "invalid_options", "the options are not valid");
}

Json with_defaults(const Json& schema, const Json& values) {
  Json complete = values;
  for (const auto& [name, rule] : schema.items()) {
    const auto usual = rule.find("default");
    if (usual == rule.end() || complete.contains(name)) continue;
    complete[name] = usual->is_string() ? usual->get<std::string>() : usual->dump();
  }
  return complete;
}

}  // namespace rolesync::plugin
