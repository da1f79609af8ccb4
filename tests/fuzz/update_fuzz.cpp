// SPDX-License-Identifier: Apache-2.0
// What a server (or somebody in its place) answers for a content: a manifest, or an update with its
// pack. Nothing is accepted that would be written in another way.
#include "host/activation/manifest_delta.hpp"
#include "host/activation/pack.hpp"
#include "tests/fuzz/property.hpp"

using namespace rolesync;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = Manifest::parse(text)) holds(manifest->to_text() == text);
  const auto update = read_update(text);
  if (!update) return 0;
  static const Manifest base =
      *Manifest::from_entries({{FileMode::regular, std::string(40, '1'), 3, "a"},
                               {FileMode::executable, std::string(40, '2'), 5, "b/c"}});
  const auto next = apply_delta(base, update->delta);
  if (next) {
    holds(apply_delta(base, manifest_delta(base, *next))->content_id() == next->content_id());
    const PackPlan plan = plan_pack(base, *next);
    if (plan.fits()) {
      const auto blobs = open_pack("one", update->pack, plan.blob_bytes);
      if (blobs) holds(blobs->size() == plan.blob_bytes);
    }
  }
  return 0;
}
