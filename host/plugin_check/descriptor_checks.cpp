// SPDX-License-Identifier: Apache-2.0
// RS3xx: what the plugin says about itself.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/options.hpp"
#include "host/plugin_check/calls.hpp"
#include "host/plugin_check/families.hpp"

namespace rolesync::plugin_check {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds quick{100};

bool is_about_options(const FieldError& field) {
  return field.pointer.find("/options") != std::string::npos;
}

std::string words_of(const FieldError& field) {
  return (field.pointer.empty() ? "it" : field.pointer) + " " + field.detail;
}

Outcome valid(Subject& subject) {
  const auto descriptor = subject.descriptor();
  if (descriptor) return passed();
  const Error& error = descriptor.error();
  if (error.fields.empty()) return failed(error.message);
  for (const FieldError& field : error.fields) {
    if (!is_about_options(field)) return failed(words_of(field));
  }
  return passed();
}

Outcome options_valid(Subject& subject) {
  const auto descriptor = subject.descriptor();
  if (descriptor) return passed();
  for (const FieldError& field : descriptor.error().fields) {
    if (is_about_options(field)) return failed(words_of(field));
  }
  return passed();
}

Outcome stable(Subject& subject) {
  const auto first = subject.descriptor_text();
  if (!first) return failed(first.error().message);
  for (int i = 0; i < 20; ++i) {
    const auto again = subject.descriptor_text();
    if (!again || *again != *first) return failed("a later descriptor differs from the first");
  }
  bool same = false;
  std::thread([&] {
    const auto elsewhere = subject.descriptor_text();
    same = elsewhere && *elsewhere == *first;
  }).join();
  return same ? passed() : failed("another thread gets another descriptor");
}

// The best of several: a busy machine is not the plugin's fault.
Outcome is_quick(Subject& subject) {
  if (const auto library = subject.library(); !library) return failed(library.error().message);
  auto best = steady_clock::duration::max();
  for (int i = 0; i < 5 && best > quick; ++i) {
    const auto begin = steady_clock::now();
    if (const auto text = subject.descriptor_text(); !text) return failed(text.error().message);
    best = std::min(best, steady_clock::now() - begin);
  }
  if (best <= quick) return passed();
  return failed("it takes " +
                std::to_string(std::chrono::duration_cast<milliseconds>(best).count()) + " ms");
}

// A value of the option's own type that its schema does not allow; null when all are allowed.
Json outside(const Json& rule) {
  if (rule.contains("enum")) {
    return rule["type"] == "string" ? Json("no-such-value") : Json("4611686018427387905");
  }
  if (rule.contains("maximum")) return rule["maximum"].get<double>() + 1;
  if (rule.contains("minimum")) return rule["minimum"].get<double>() - 1;
  return {};
}

Json whole(const Json& number) {
  return number.is_number_float() && number == static_cast<double>(number.get<std::int64_t>())
             ? Json(number.get<std::int64_t>())
             : number;
}

Outcome options_checked(Subject& subject) {
  const auto descriptor = subject.descriptor();
  if (!descriptor) return failed(descriptor.error().message);
  for (const plugin::Provided& provided : descriptor->provides) {
    const auto schema = parse_json(provided.options_schema);
    if (!schema || !schema->is_object()) return failed("the options are not readable");
    const Json usual = sample_options(provided);
    if (Status fit = plugin::check_options(*schema, usual); !fit) {
      return failed("its own defaults are refused: " + fit.error().message);
    }
    for (const auto& [name, rule] : schema->items()) {
      Json wrong = usual;
      wrong[name] = whole(outside(rule));
      if (!wrong[name].is_null() && plugin::check_options(*schema, wrong)) {
        return failed("option " + name + " accepts " + to_text(wrong[name]));
      }
    }
    Json unknown = usual;
    unknown["no_such_option"] = "1";
    if (plugin::check_options(*schema, unknown)) return failed("any option is accepted");
  }
  return passed();
}

Outcome for_people(Subject& subject) {
  const auto descriptor = subject.descriptor();
  if (!descriptor) return failed(descriptor.error().message);
  for (const plugin::Provided& provided : descriptor->provides) {
    if (provided.summary.empty()) return failed(named(provided) + " has no summary");
    const auto schema = parse_json(provided.options_schema);
    if (!schema || !schema->is_object()) continue;
    for (const auto& [name, rule] : schema->items()) {
      if (rule.value("help", "").empty()) return failed("option " + name + " has no help");
    }
  }
  return passed();
}

}  // namespace

std::vector<Check> descriptor_checks() {
  return {
      {"RS301", "its descriptor is valid", "a host that cannot read it refuses the plugin",
       "mend the field; docs/plugin-guide.md lists them all", &valid, true},
      {"RS302", "its options are a valid schema",
       "options are checked, shown in forms and explained by it",
       "each option needs a type (string, integer, number, boolean) and fitting default, enum, "
       "minimum and maximum",
       &options_valid, true},
      {"RS303", "its descriptor is always the same",
       "hosts keep it, and compare those of several machines",
       "describe constants; decide at run time in the calls", &stable},
      {"RS304", "it describes itself within 100 ms",
       "every start of a server and agent waits for all of its plugins",
       "do not read files or ask the network to describe the plugin", &is_quick},
      {"RS305", "defaults are accepted, what is out of range is refused",
       "an operator who changes nothing must not get an error, and one who errs must",
       "make default, enum, minimum and maximum agree", &options_checked},
      {"RS306", "it explains itself",
       "summary and help are all that operators see in lists, forms and `plugin docs`",
       "add .summary(\"...\") to what it provides and \"help\" to each option", &for_people},
  };
}

}  // namespace rolesync::plugin_check
