// SPDX-License-Identifier: Apache-2.0
// RS5xx: requests that no sound host sends. Any answer will do, as long as there is one.
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "host/plugin_check/calls.hpp"
#include "host/plugin_check/families.hpp"

namespace rolesync::plugin_check {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using Mood = StandInHost::Mood;
using Texts = std::function<std::vector<std::string>(const Call&)>;

constexpr seconds patience{1};  // per method; a plugin may be slow without being broken

Outcome survives(Subject& subject, const Texts& texts, Mood mood = Mood::willing) {
  return with_each(subject, mood,
                   [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
                     for (const Call& call : sample_calls(provided, subject.scratch())) {
                       const auto until = steady_clock::now() + patience;
                       for (const std::string& text : texts(call)) {
                         const std::string fault = form_fault(instance.call(call.method, text));
                         if (!fault.empty()) {
                           return failed(named(provided, call.method) + ": given " +
                                         text.substr(0, 60) + " it " + fault);
                         }
                         if (steady_clock::now() > until) break;
                       }
                     }
                     return passed();
                   });
}

// The request with each of its values, one after the other, replaced by each of the others.
std::vector<std::string> wrong_types(const Call& call) {
  static const std::vector<Json> others = {nullptr,
                                           true,
                                           -1,
                                           1e308,
                                           18446744073709551615ULL,
                                           "",
                                           "x",
                                           Json::array(),
                                           Json::object(),
                                           {1, "a", nullptr},
                                           {{"a", Json::object()}}};
  std::vector<std::string> texts;
  texts.reserve(others.size());
  for (const Json& other : others) texts.push_back(to_text(other));
  const Json request = *parse_json(call.request);
  const Json flat = request.flatten();
  std::vector<Json::json_pointer> places;
  for (const auto& [key, value] : request.items()) places.push_back(Json::json_pointer() / key);
  for (const auto& [pointer, value] : flat.items()) places.emplace_back(pointer);
  for (const Json::json_pointer& place : places) {
    if (place.empty()) continue;
    for (const Json& other : others) {
      Json changed = request;
      changed[place] = other;
      texts.push_back(to_text(changed));
    }
    Json without = request;
    Json& parent = without[place.parent_pointer()];
    if (parent.is_object()) parent.erase(place.back());
    texts.push_back(to_text(without));
  }
  return texts;
}

Outcome types(Subject& subject) {
  return survives(subject, wrong_types);
}

Outcome options_out_of_range(Subject& subject) {
  return survives(subject, [](const Call& call) {
    std::vector<std::string> texts;
    const Json request = *parse_json(call.request);
    const auto options = request.find("options");
    if (options == request.end()) return texts;
    for (const auto& [name, value] : options->items()) {
      for (const char* other : {"", "-1", "0", "99999999999999999999", "1e999", "no-such-value",
                                "'", "[", "[\"", "\x01", "../../..", "/dev/null"}) {
        Json changed = request;
        changed["options"][name] = other;
        changed["role"]["restart_options"][name] = other;
        texts.push_back(to_text(changed));
      }
    }
    return texts;
  });
}

Outcome huge(Subject& subject) {
  return survives(subject, [](const Call& call) {
    Json text = *parse_json(call.request), list = text;
    text["role"]["role_name"] = text["offer_id"] = std::string(4 << 20, 'x');
    Json ports = Json::array();
    for (int i = 0; i < 200'000; ++i) ports.push_back(i % 65'536);
    list["facts"]["listening_ports"] = list["padding"] = ports;
    return std::vector<std::string>{to_text(text), to_text(list)};
  });
}

Outcome deep(Subject& subject) {
  return survives(subject, [](const Call&) {
    constexpr std::size_t levels = 200'000;
    std::string objects;
    for (std::size_t i = 0; i < levels; ++i) objects += "{\"role\":";
    return std::vector<std::string>{
        std::string(levels, '['), std::string(levels, '[') + std::string(levels, ']'),
        objects + "1" + std::string(levels, '}'),
        "{\"role\":" + std::string(levels, '[') + std::string(levels, ']') + "}"};
  });
}

Outcome not_utf8(Subject& subject) {
  return survives(subject, [](const Call& call) {
    std::vector<std::string> texts;
    const std::string text = call.request;
    for (const char* bytes : {"\xff\xfe", "\xc3", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80"}) {
      for (std::size_t at = text.find(":\""); at != std::string::npos;
           at = text.find(":\"", at + 1)) {
        texts.push_back(text.substr(0, at + 2) + bytes + text.substr(at + 2));
      }
      texts.push_back("{\"" + std::string(bytes) + "\": 1}");
    }
    return texts;
  });
}

// Half of the texts are the request with bytes changed, half are noise. Always the same ones.
Outcome noise(Subject& subject) {
  return survives(subject, [](const Call& call) {
    std::mt19937 random(20'260'101);
    const std::string sound = call.request;
    std::vector<std::string> texts = {
        "", " ", "{", "}", "\"", "nul", "{}{}", "[1,]", "-", std::string(1, '\0'), sound + sound};
    for (std::size_t cut = 0; cut < sound.size(); cut += 1 + sound.size() / 100)
      texts.push_back(sound.substr(0, cut));
    for (int i = 0; i < 500; ++i) {
      std::string changed = sound;
      for (unsigned n = 1 + random() % 4; n > 0 && !changed.empty(); --n)
        changed[random() % changed.size()] = "{}[]\":,0-9ea\\ \x80"[random() % 16];
      texts.push_back(changed);
      std::string bytes(random() % 64, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      texts.push_back(bytes);
    }
    return texts;
  });
}

Outcome nonsense_from_host(Subject& subject) {
  return survives(
      subject, [](const Call& call) { return std::vector<std::string>(20, call.request); },
      Mood::nonsensical);
}

}  // namespace

std::vector<Check> hostile_checks() {
  constexpr const char* why =
      "a crash in a call ends the process the plugin runs in, which may be the server";
  constexpr const char* fix =
      "use the SDK's typed classes; check what you read, and throw rolesync::Error";
  return {
      {"RS501", "it survives values of the wrong type", why, fix, &types, false, seconds(30)},
      {"RS502", "it survives options outside of their range", why, fix, &options_out_of_range,
       false, seconds(30)},
      {"RS503", "it survives huge requests", why,
       "do not copy into buffers of a fixed size; bound what you keep", &huge, false, seconds(30)},
      {"RS504", "it survives deeply nested requests", why,
       "do not recurse over a request without a limit; the SDK's glue has one", &deep, false,
       seconds(30)},
      {"RS505", "it survives bytes that are not UTF-8", why,
       "parse with the SDK's glue, which refuses them", &not_utf8, false, seconds(30)},
      {"RS506", "it survives noise", why, fix, &noise, false, seconds(30)},
      {"RS507", "it survives nonsense from the host",
       "a host of another version may answer in another form",
       "use the typed functions of rolesync::Host; they check", &nonsense_from_host, false,
       seconds(30)},
  };
}

}  // namespace rolesync::plugin_check
