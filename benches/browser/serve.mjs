// Serves folders on 127.0.0.1, to each tab by a prefix of its own: /TAB/bench/, /TAB/tfjs/, /TAB/web/
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
// With these WebAssembly may have threads.
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

// `bytes(tab)` are those of the frameworks' files that the tab has had, gzipped.
export async function serve(folders) {
  const sizes = new Map();
  const server = createServer(async ({ url }, response) => {
    const [, tab, folder, ...path] = normalize(new URL(url, "http://localhost").pathname).split("/");
    let body;
    try {
      body = await readFile(join(folders[folder], ...path));
    } catch {
      response.writeHead(404).end();
      return;
    }
    if (folder !== "bench") {
      if (!sizes.has(tab)) sizes.set(tab, new Map());
      sizes.get(tab).set(path.join("/"), body);
    }
    const headers = { "Content-Type": TYPES[extname(url.split("?")[0])] ?? "application/octet-stream", "Cache-Control": "no-store" };
    response.writeHead(200, { ...headers, ...(tab.startsWith("isolated") ? ISOLATED : {}) }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bytes = (tab) => [...(sizes.get(tab) ?? new Map()).values()].reduce((sum, body) => sum + gzipSync(body, { level: 9 }).length, 0);
  return { address: `http://127.0.0.1:${server.address().port}`, bytes, close: () => server.close() };
}
