#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# plugin_exports.sh NM READELF PLUGIN...: fails when a plugin exports more than its door, could keep
# old code mapped (unique symbols), or binds lazily.
nm=$1 readelf=$2
shift 2
failed=0
for plugin in "$@"; do
  exported=$("$nm" -D --defined-only "$plugin" | awk '{print $NF}' | tr '\n' ' ')
  [ "$exported" = "rolesync_plugin " ] || { echo "$plugin exports: $exported"; failed=1; }
  if "$nm" "$plugin" 2>/dev/null | grep -q ' u '; then
    echo "$plugin has unique symbols"; failed=1
  fi
  "$readelf" -d "$plugin" | grep -q 'BIND_NOW\|FLAGS.*NOW' || { echo "$plugin binds lazily"; failed=1; }
done
exit $failed
