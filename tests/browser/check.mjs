// Loads pages in headless Chromium, at phone and desk width, light and dark: node check.mjs MODULES SCREENSHOTS|- PAGE...
// MODULES is the folder that scripts/browser prints. Prints a line for each fault; the exit code is 1 where there is one.
import { basename, dirname, join } from "node:path";
import { LOOKS, listen, look, open } from "./look.mjs";

const [modules, screenshots, ...pages] = process.argv.slice(2);
const faults = [];
const { browser, axe } = await open(modules);
for (const address of pages) {
  for (const settings of LOOKS) {
    const { viewport: { width }, colorScheme } = settings;
    const where = `${address} at ${width}, ${colorScheme}`;
    const context = await browser.newContext(settings);
    const page = await context.newPage();
    listen(page, where, faults, (url) => url === address);
    await page.goto(address);
    if (screenshots !== "-") {
      const path = new URL(address).pathname;
      const name = `${basename(dirname(path))}-${basename(path, ".html")}-${width}-${colorScheme}.png`;
      await page.screenshot({ path: join(screenshots, name), fullPage: true });
    }
    faults.push(...(await look(page, axe)).map((fault) => `${where}: ${fault}`));
    await context.close();
  }
}
await browser.close();
console.log(faults.join("\n"));
process.exit(faults.length ? 1 : 0);
