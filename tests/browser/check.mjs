// Loads pages in headless Chromium, at phone and desk width, light and dark: node check.mjs MODULES SCREENSHOTS|- PAGE...
// MODULES is the folder that scripts/browser prints. Prints a line for each fault; the exit code is 1 where there is one.
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const [modules, screenshots, ...pages] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core");

const faults = [];
const browser = await chromium.launch({
  executablePath: process.env.GPU_CNN_TEST_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const address of pages) {
  for (const [width, height] of [[360, 740], [1280, 900]]) {
    for (const colorScheme of ["light", "dark"]) {
      const where = `${address} at ${width}, ${colorScheme}`;
      // Our own script looks at the page; the page's policy forbids it.
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, bypassCSP: true });
      const page = await context.newPage();
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) faults.push(`${where}: console: ${message.text()}`);
      });
      page.on("pageerror", (error) => faults.push(`${where}: ${error}`));
      page.on("request", (request) => {
        const url = request.url();
        if (url !== address && !url.startsWith("data:")) faults.push(`${where}: a request to ${url}`);
      });
      await page.goto(address);
      if (screenshots !== "-") {
        const path = new URL(address).pathname;
        const name = `${basename(dirname(path))}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: join(screenshots, name), fullPage: true });
      }
      faults.push(...(await page.evaluate(look)).map((fault) => `${where}: ${fault}`));
      await page.addScriptTag({ path: axe });
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const { id, help, nodes } of violations) {
        faults.push(`${where}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
      }
      await context.close();
    }
  }
}
await browser.close();
console.log(faults.join("\n"));
process.exit(faults.length ? 1 : 0);

// Runs in the page.
function look() {
  const faults = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`wider than the screen by ${wide} pixels`);
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
