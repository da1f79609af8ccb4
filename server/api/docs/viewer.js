// SPDX-License-Identifier: Apache-2.0
// Shows openapi.yaml: no library, nothing from elsewhere, text only (never markup) from the file.
"use strict";

// The part of YAML that openapi.yaml keeps to: block maps and lists by indentation, flow maps and
// lists on one line, plain, '"' and "'" scalars, "|" and ">-" texts, comments on lines of their own.
function parseYaml(text) {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  let at = 0;
  const indentOf = (line) => line.length - line.trimStart().length;
  const skipEmpty = () => {
    while (at < lines.length && lines[at].trim() === "") at++;
  };

  function scalar(word) {
    if (word === "true") return true;
    if (word === "false") return false;
    if (word === "null" || word === "~" || word === "") return null;
    return /^-?\d+$/.test(word) ? Number(word) : word;
  }

  function flow(source) {
    let i = 0;
    const space = () => {
      while (source[i] === " ") i++;
      if (i >= source.length && open > 0) throw new Error("not closed on its line: " + source);
    };
    let open = 0;
    function quoted() {
      const quote = source[i++];
      let out = "";
      for (; i < source.length; i++) {
        if (source[i] === "\\" && quote === '"') out += source[++i] === "n" ? "\n" : source[i];
        else if (source[i] === quote && quote === "'" && source[i + 1] === "'") out += source[i++];
        else if (source[i] === quote) break;
        else out += source[i];
      }
      i++;
      return out;
    }
    function value(closing) {
      space();
      if (source[i] === "{") return map();
      if (source[i] === "[") return list();
      if (source[i] === '"' || source[i] === "'") return quoted();
      const begin = i;
      while (i < source.length && !closing.includes(source[i])) i++;
      return scalar(source.slice(begin, i).trim());
    }
    function map() {
      const object = {};
      for (i++, open++; ; ) {
        space();
        if (source[i] === "}") return i++, open--, object;
        if (source[i] === ",") { i++; continue; }
        const begin = i;
        let key;
        if (source[i] === '"' || source[i] === "'") key = quoted();
        else {
          while (i < source.length && source[i] !== ":") i++;
          key = source.slice(begin, i).trim();
        }
        space();
        if (source[i++] !== ":") throw new Error("no ':' in " + source);
        object[key] = value(",}");
      }
    }
    function list() {
      const array = [];
      for (i++, open++; ; ) {
        space();
        if (source[i] === "]") return i++, open--, array;
        if (source[i] === ",") { i++; continue; }
        array.push(value(",]"));
      }
    }
    const parsed = value("");
    space();
    if (i < source.length) throw new Error("more than one value in " + source);
    return parsed;
  }

  function literal(indent) {
    const out = [];
    while (at < lines.length && (lines[at].trim() === "" || indentOf(lines[at]) > indent)) {
      out.push(lines[at++]);
    }
    const left = Math.min(...out.filter((line) => line.trim()).map(indentOf));
    return out.map((line) => line.slice(left)).join("\n").trimEnd() + "\n";
  }

  // "key: rest", where the key may be quoted.
  const pair = (line) => line.match(/^("[^"]*"|[^\s"'{[][^:]*):(?: +(.*))?$/);

  function valueOf(rest, indent) {
    if (rest === "|") return literal(indent);
    if (rest === ">-") return literal(indent).trim().replace(/\n(?=\S)/g, " ");
    return rest === undefined || rest === "" ? block(indent + 1) : flow(rest);
  }

  function block(least) {
    skipEmpty();
    if (at >= lines.length || indentOf(lines[at]) < least) return null;
    const indent = indentOf(lines[at]);
    return lines[at].trimStart().startsWith("- ") ? sequence(indent) : mapping(indent);
  }

  function sequence(indent) {
    const array = [];
    for (skipEmpty(); at < lines.length && indentOf(lines[at]) === indent; skipEmpty()) {
      const line = lines[at].trimStart();
      if (!line.startsWith("- ")) break;
      const rest = line.slice(2);
      if (pair(rest)) {
        lines[at] = " ".repeat(indent + 2) + rest;
        array.push(mapping(indent + 2));
      } else {
        at++;
        array.push(flow(rest));
      }
    }
    return array;
  }

  function mapping(indent) {
    const object = {};
    for (skipEmpty(); at < lines.length && indentOf(lines[at]) === indent; skipEmpty()) {
      const found = pair(lines[at].trimStart());
      if (!found) throw new Error("line " + (at + 1) + " is not understood: " + lines[at]);
      at++;
      const key = found[1].startsWith('"') ? found[1].slice(1, -1) : found[1];
      object[key] = valueOf(found[2], indent);
    }
    return object;
  }
  return block(0);
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function makeViewer(api) {
  const resolve = (object) =>
    object && object.$ref ? object.$ref.slice(2).split("/").reduce((o, key) => o[key], api) : object;

  // A schema as a few words or indented lines; what has a name of its own is named.
  function words(schema, indent = "") {
    if (!schema) return "anything";
    if (schema.$ref) return schema.$ref.split("/").pop();
    if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
    for (const key of ["oneOf", "anyOf"]) {
      if (schema[key]) return schema[key].map((each) => words(each, indent)).join(" | ");
    }
    if (schema.allOf) return schema.allOf.map((each) => words(each, indent)).join(" & ");
    const type = Array.isArray(schema.type) ? schema.type.join(" | ") : schema.type;
    if (schema.items) return "[" + words(schema.items, indent) + "]";
    if (schema.properties) {
      const deeper = indent + "  ";
      const lines = Object.entries(schema.properties).map(([name, each]) => {
        const optional = (schema.required || []).includes(name) ? "" : "?";
        const note = each && each.description ? "   // " + each.description : "";
        return deeper + name + optional + ": " + words(each, deeper) + note;
      });
      return "{\n" + lines.join("\n") + "\n" + indent + "}";
    }
    const limits = [];
    if (schema.minimum !== undefined) limits.push("from " + schema.minimum);
    if (schema.maximum !== undefined) limits.push("to " + schema.maximum);
    if (schema.format) limits.push(schema.format);
    return (type || "anything") + (limits.length ? " (" + limits.join(" ") + ")" : "");
  }

  function parameters(list) {
    if (!list.length) return null;
    const rows = list.map(resolve).map((each) =>
      element("tr", {}, element("td", {}, element("code", {}, each.name)), element("td", {}, each.in),
        element("td", {}, words(each.schema) + (each.required ? ", required" : "")),
        element("td", {}, each.description || "")));
    const head = ["parameter", "in", "value", "what"].map((name) => element("th", {}, name));
    return element("table", {}, element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows));
  }

  function bodies(content) {
    return Object.entries(content || {}).map(([type, each]) =>
      element("pre", { tabindex: "0" }, type + "\n" + words(each.schema)));
  }

  function operation(path, method, item, shared) {
    const label = method.toUpperCase();
    const details = element("details", { id: label + " " + path },
      element("summary", {}, element("span", { class: "method" }, label), element("code", {}, path),
        " ", element("span", {}, item.summary || ""), " ",
        element("span", { class: "policy" }, item["x-policy"] || "")));
    if (item.description) details.append(element("p", {}, item.description));
    const table = parameters([...(shared || []), ...(item.parameters || [])]);
    if (table) details.append(table);
    if (item.requestBody) {
      details.append(element("h3", {}, "Body"), ...bodies(item.requestBody.content));
    }
    for (const [status, given] of Object.entries(item.responses || {})) {
      const response = resolve(given);
      details.append(element("h3", {}, status + " – " + (response.description || "")),
        ...bodies(response.content));
    }
    return details;
  }

  const content = [element("p", {}, api.info.description || "")];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of ["get", "put", "post", "delete"]) {
      if (item[method]) content.push(operation(path, method, item[method], item.parameters));
    }
  }
  content.push(element("h2", {}, "Objects"));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    content.push(element("details", { id: name },
      element("summary", {}, element("code", {}, name)),
      element("pre", { tabindex: "0" }, words(schema))));
  }
  return content;
}

async function show() {
  const content = document.getElementById("content");
  try {
    const answer = await fetch("/api/openapi.yaml");
    if (!answer.ok) throw new Error("the server answers " + answer.status);
    content.replaceChildren(...makeViewer(parseYaml(await answer.text())));
  } catch (error) {
    content.replaceChildren(element("p", { class: "error" }, "openapi.yaml cannot be shown: " + error.message));
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const each of document.querySelectorAll("details")) {
      each.hidden = !each.textContent.toLowerCase().includes(wanted);
    }
  });
}

if (typeof document !== "undefined") show();
if (typeof module !== "undefined") module.exports = { parseYaml };
