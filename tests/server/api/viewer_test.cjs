// SPDX-License-Identifier: Apache-2.0
// node viewer_test.cjs SOURCE_DIRECTORY: the viewer of /api/docs reads openapi.yaml as a whole YAML
// parser does, and refuses what it would misunderstand.
const { deepStrictEqual, throws } = require("node:assert");
const { readFileSync } = require("node:fs");
const source = process.argv[2];
const { parseYaml } = require(source + "/server/api/docs/viewer.js");
const yaml = require(source + "/server/web/node_modules/js-yaml");
const text = readFileSync(source + "/server/api/openapi.yaml", "utf8");
deepStrictEqual(parseYaml(text), yaml.load(text));
for (const wrong of ["a: {b: c, d}", "a: [b] c", "a: b\nc"]) throws(() => parseYaml(wrong), Error, wrong);
