// SPDX-License-Identifier: Apache-2.0
// The families of one answer of /metrics, filled from what the server knows at that moment, and
// written by prometheus-cpp. One thread.
#pragma once
#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace rolesync::api {

class MetricFamilies {
 public:
  using Labels = std::vector<std::pair<const char*, std::string>>;

  // What follows belongs to this family. `type` as in prometheus::MetricType.
  void family(const char* name, prometheus::MetricType type, const char* help);
  void gauge(const char* name, const char* help) {
    family(name, prometheus::MetricType::Gauge, help);
  }
  void counter(const char* name, const char* help) {
    family(name, prometheus::MetricType::Counter, help);
  }
  void value(const Labels& labels, double value);
  void value(double number) { value({}, number); }
  // A histogram without labels: numbers per bucket (not summed up), one more than ends.
  void histogram(const char* name, const char* help, const std::vector<double>& ends,
                 const std::vector<std::uint64_t>& buckets, double sum);

  std::string text() const;  // version 0.0.4

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace rolesync::api
