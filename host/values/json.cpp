// SPDX-License-Identifier: Apache-2.0
#include "host/values/json.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace rolesync {
namespace {

Error invalid(std::string message) {
  return {ErrorKind::invalid, "invalid_json", std::move(message),
          "send one JSON document in UTF-8"};
}

// Builds a Json from SAX events, so that a limit stops the parser before anything is allocated.
class BoundedBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit BoundedBuilder(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(number_integer_t v) override { return add(v); }
  bool number_unsigned(number_unsigned_t v) override { return add(v); }
  bool number_float(number_float_t v, const string_t&) override { return add(v); }
  bool string(string_t& v) override { return add(std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (open_.back()->contains(name)) {
      problem = "the key \"" + name + "\" stands twice in one object";
      return false;
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    problem = "not valid JSON at byte " + std::to_string(position);
    return false;
  }

  Json root;
  std::string problem;

 private:
  Json* place(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json container) {
    if (static_cast<int>(open_.size()) >= max_depth_) {
      problem = "nested deeper than " + std::to_string(max_depth_) + " levels";
      return false;
    }
    open_.push_back(place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const int max_depth_;
  std::vector<Json*> open_;  // parents are complete until their child closes, so these stay valid
  std::string key_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return Error{ErrorKind::too_large, "json_too_large",
                 "the document has " + std::to_string(text.size()) + " bytes; the limit is " +
                     std::to_string(limits.max_bytes)};
  }
  BoundedBuilder builder(limits.max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return invalid(builder.problem.empty() ? "not valid JSON" : builder.problem);
  }
  return std::move(builder.root);
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace rolesync
