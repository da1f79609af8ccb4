// SPDX-License-Identifier: Apache-2.0
// Options of a plugin: a small subset of JSON Schema that drives validation, forms and docs.
//   {"port": {"type": "integer", "minimum": 1, "required": true, "help": "..."}}
// type: string, integer, number, boolean. Besides: default, enum, minimum, maximum, required, help.
// Pure; any thread.
#pragma once
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

// Is this a schema? Errors: invalid/invalid_options_schema, one pointer per fault.
Status check_options_schema(const Json& schema);

// Do the values fit the schema? Roles carry their options as text, so "90" is an integer too.
// Errors: invalid/invalid_options, one pointer per fault.
Status check_options(const Json& schema, const Json& values);

// The values, and for each option that is missing its default, as the text a role would carry.
Json with_defaults(const Json& schema, const Json& values);

}  // namespace rolesync::plugin
