// How the UI is built: hashed files below assets/, each also compressed, nothing inline (the
// server's Content-Security-Policy allows neither inline scripts nor inline styles).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";
import { icons } from "./build_steps/icons.ts";

const outDir = process.env.ROLESYNC_WEB_OUT ?? "../../build/web";

function compress(directory: string) {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    const bytes = readFileSync(file);
    if (bytes.length > 1024) writeFileSync(file + ".gz", gzipSync(bytes, { level: 9 }));
  }
}

const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  closeBundle: () => compress(outDir),
};

export default defineConfig({
  plugins: [icons, vue(), compressed],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false" },
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": process.env.ROLESYNC_URL ?? "http://127.0.0.1:8770" } },
});
