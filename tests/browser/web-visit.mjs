// What the tests of the page of scripts/web share.
import { join } from "node:path";
import { listen } from "./look.mjs";

// A page in a context of its own. What it says to the console is a fault.
export async function visit(session, where, settings, query = "", browser = session.browser) {
  const context = await browser.newContext({ reducedMotion: "reduce", acceptDownloads: true, ...settings });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const isOwn = (url) => url.startsWith(session.address) || url.startsWith(`blob:${session.address}`);
  listen(page, where, session.faults, isOwn);
  await page.goto(session.address + query);
  return page;
}

export const state = (page, keys) => page.evaluate((keys) => Object.fromEntries(keys.map((key) => [key, globalThis.gpuCnn()[key]])), keys);
export const trained = (page, steps) => page.waitForFunction((steps) => globalThis.gpuCnn?.().losses?.length >= steps, steps);
// Until the picture under the pen has been looked at since `change`.
export async function looked(page, change = async () => {}) {
  const before = (await state(page, ["looks"])).looks ?? 0;
  await change();
  await page.waitForFunction((before) => globalThis.gpuCnn().looks > before, before);
}
export const text = (page, selector) => page.locator(selector).textContent();

export async function picture(session, page, name) {
  if (session.screenshots !== "-") await page.screenshot({ path: join(session.screenshots, `web-${name}.png`), fullPage: true });
}

// Draws a stroke through places, shares of the pad's sides.
export async function stroke(page, places) {
  const pad = page.locator("#pad");
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(places[0]));
  await page.mouse.down();
  for (const place of places.slice(1)) await page.mouse.move(...at(place), { steps: 8 });
  await page.mouse.up();
}

// The pixels of canvases, as one number each.
export const sums = (page, selector) => page.locator(selector).evaluateAll((all) => all.map((canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => (sum * 31 + value * (1 + (i % 7))) % 1000003, 7);
}));
