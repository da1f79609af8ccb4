// SPDX-License-Identifier: Apache-2.0
#include "server/api/metric_families.hpp"

#include <prometheus/text_serializer.h>

#include <limits>

namespace rolesync::api {

using prometheus::ClientMetric;
using prometheus::MetricType;

void MetricFamilies::family(const char* name, MetricType type, const char* help) {
  families_.push_back({name, help, type, {}});
}

void MetricFamilies::value(const Labels& labels, double value) {
  ClientMetric metric;
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  if (families_.back().type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  families_.back().metric.push_back(std::move(metric));
}

void MetricFamilies::histogram(const char* name, const char* help, const std::vector<double>& ends,
                               const std::vector<std::uint64_t>& buckets, double sum) {
  family(name, MetricType::Histogram, help);
  ClientMetric metric;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    metric.histogram.sample_count += buckets[i];
    metric.histogram.bucket.push_back(
        {metric.histogram.sample_count,
         i < ends.size() ? ends[i] : std::numeric_limits<double>::infinity()});
  }
  metric.histogram.sample_sum = sum;
  families_.back().metric.push_back(std::move(metric));
}

std::string MetricFamilies::text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

}  // namespace rolesync::api
