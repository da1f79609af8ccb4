// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <rolesync/role.hpp>

namespace rolesync {
inline namespace sdk1 {

struct Role::Data {
  Json fields;
  std::string summary;
};

Role::Role(std::string name) : data_(std::make_unique<Data>()) {
  data_->summary = "role " + name;
  data_->fields["role_name"] = std::move(name);
}

Role::~Role() = default;

Role& Role::set(const char* field, std::string value) {
  data_->fields[field] = std::move(value);
  return *this;
}

Role& Role::append(const char* field, std::string value) {
  data_->fields[field].push_back(std::move(value));
  return *this;
}

Role& Role::display_name(std::string text) {
  return set("display_name", std::move(text));
}
Role& Role::summary(std::string text) {
  return data_->summary = std::move(text), *this;
}

Role& Role::source(std::string path) {
  return append("source_paths", std::move(path));
}
Role& Role::target(std::string path) {
  return set("target_path", std::move(path));
}
Role& Role::exclude(std::string path) {
  return append("exclude", std::move(path));
}
Role& Role::package() {
  return set("sync_type", "package");
}
Role& Role::code_source(std::string name) {
  return set("code_source", std::move(name));
}

Role& Role::service(std::string unit) {
  return set("systemd_service", std::move(unit));
}
Role& Role::restart(Restart when) {
  return data_->fields["auto_restart"] = when == Restart::automatic, *this;
}
Role& Role::port(int number) {
  return data_->fields["health_check_port"] = number, *this;
}
Role& Role::health(std::string http_path) {
  return set("health_check_path", std::move(http_path));
}

Role& Role::before_sync(const std::vector<std::string>& argv) {
  return data_->fields["pre_sync_cmd"] = argv, *this;
}
Role& Role::after_sync(const std::vector<std::string>& argv) {
  return data_->fields["post_sync_cmd"] = argv, *this;
}
Role& Role::before_sync_shell(std::string line) {
  return set("pre_sync_cmd", std::move(line));
}
Role& Role::after_sync_shell(std::string line) {
  return set("post_sync_cmd", std::move(line));
}

Role& Role::drain(const std::vector<std::string>& argv) {
  return data_->fields["drain_cmd"] = argv, *this;
}
Role& Role::undrain(const std::vector<std::string>& argv) {
  return data_->fields["undrain_cmd"] = argv, *this;
}
Role& Role::drain_shell(std::string line) {
  return set("drain_cmd", std::move(line));
}
Role& Role::undrain_shell(std::string line) {
  return set("undrain_cmd", std::move(line));
}
Role& Role::command_timeout(int seconds) {
  return data_->fields["command_timeout_seconds"] = seconds, *this;
}

Role& Role::deployer(std::string id) {
  return set("deployer", std::move(id));
}
Role& Role::detector(std::string id) {
  return set("detector", std::move(id));
}
Role& Role::strategy(std::string id, const Options& options) {
  if (!options.empty()) data_->fields["restart_options"] = options;
  return set("restart_strategy", std::move(id));
}

Role& Role::swap() {
  return set("activation", "swap");
}
Role& Role::carry(std::string directory) {
  return append("carry", std::move(directory));
}
Role& Role::stop_for_switch() {
  return set("switch", "stopped");
}
Role& Role::refuse_drift() {
  return set("on_drift", "refuse");
}
Role& Role::owner(std::string user_group) {
  return set("owner", std::move(user_group));
}
Role& Role::order(int position) {
  return data_->fields["order"] = position, *this;
}
Role& Role::updates_agent() {
  return set("self", "agent");
}
Role& Role::updates_server() {
  return set("self", "server");
}
Role& Role::required() {
  return data_->fields["required"] = true, *this;
}

const Json& Role::fields() const {
  return data_->fields;
}
const std::string& Role::summary() const {
  return data_->summary;
}

namespace {

class DeclaredRole : public Instance {
 public:
  DeclaredRole(const char* id, BuildRole build) : id_(id), build_(build) {}

  Json call(std::string_view method, const Json&) override {
    if (method != "spec") {
      throw Error(Code::unsupported, "method_unknown",
                  "a role has no method " + std::string(method));
    }
    Role role(id_);
    build_(role);
    return role.fields();
  }

 private:
  const char* id_;
  BuildRole build_;
};

}  // namespace

Export declared_role(const char* id, BuildRole build) {
  Export declared("role", id, [id, build]() -> std::unique_ptr<Instance> {
    return std::make_unique<DeclaredRole>(id, build);
  });
  Role role(id);
  build(role);
  declared.summary(role.summary());
  return declared;
}

}  // namespace sdk1
}  // namespace rolesync
