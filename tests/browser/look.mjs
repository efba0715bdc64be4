// What is wrong with a page, for the scripts beside this one.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

// What makes Chromium offer WebGPU where there is no GPU, by SwiftShader.
const SWIFTSHADER = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];

// A browser by the modules in the folder that scripts/browser prints, and the text of axe.
export async function open(modules, withWebGpu = false) {
  const require = createRequire(join(modules, "package.json"));
  const browser = await require("playwright-core").chromium.launch({
    executablePath: process.env.GPU_CNN_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", ...(withWebGpu ? SWIFTSHADER : ["--disable-gpu"])],
    ignoreDefaultArgs: withWebGpu ? ["--disable-gpu"] : [],
  });
  return { browser, axe: readFileSync(require.resolve("axe-core"), "utf8") };
}

// At phone and desk width, light and dark.
export const LOOKS = [[360, 740], [1280, 900]].flatMap(([width, height]) =>
  ["light", "dark"].map((colorScheme) => ({ viewport: { width, height }, colorScheme })),
);

// Adds to `faults` what the page says to its console, and each request that `isOwn` does not know.
export function listen(page, where, faults, isOwn) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${where}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`${where}: ${error}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!isOwn(url) && !url.startsWith("data:")) faults.push(`${where}: a request to ${url}`);
  });
}

// What is wrong with the page as it is now.
export async function look(page, axe) {
  const faults = await page.evaluate(drawn);
  // Not as an element of the page, whose policy forbids it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, help, nodes } of violations) {
    faults.push(`${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
  }
  return faults;
}

// Runs in the page.
function drawn() {
  const faults = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`wider than the screen by ${wide} pixels`);
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push(`the id ${id} occurs twice`);
  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector("svg");
    const box = svg?.getBoundingClientRect();
    if (!box || box.width < 100 || box.height < 40) faults.push(`figure ${figure.id} is not drawn`);
    if (!svg?.querySelector("title")?.textContent || !svg.querySelector("desc")?.textContent)
      faults.push(`figure ${figure.id} has no title or description`);
    for (const mark of svg?.querySelectorAll("text, image") ?? []) {
      const of = mark.getBoundingClientRect();
      if (of.left < box.left - 1 || of.right > box.right + 1 || of.top < box.top - 1 || of.bottom > box.bottom + 1)
        faults.push(`figure ${figure.id}: "${mark.textContent}" reaches over the edge`);
    }
  }
  return faults;
}
