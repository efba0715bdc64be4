// Watches the page of a run that is going on, in four tabs at once, to the end of the run: node live.mjs MODULES SCREENSHOTS|- ADDRESS
// Prints a line for each fault; the exit code is 1 where there is one.
import { join } from "node:path";
import { LOOKS, listen, look, open } from "./look.mjs";

const [modules, screenshots, address] = process.argv.slice(2);
const faults = [];
const { browser, axe } = await open(modules);
const own = ["", "live.js", "events"].map((path) => address + path);

async function picture(page, name) {
  if (screenshots !== "-") await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

async function watch(settings) {
  const { viewport: { width }, colorScheme } = settings;
  const name = `${width}-${colorScheme}`;
  const fault = (text) => faults.push(`${name}: ${text}`);
  const context = await browser.newContext({ ...settings, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  listen(page, name, faults, (url) => own.includes(url));
  await page.goto(address);
  await page.waitForFunction(() => document.querySelectorAll("#loss tbody tr").length > 1 && document.querySelector("#filters image"));
  // What a reader does: opens a table, goes there, has the focus in it, selects some of the text of another figure.
  const before = await page.evaluate(() => {
    const details = document.querySelector("#loss details");
    details.open = true;
    const frame = details.querySelector(".frame");
    frame.scrollIntoView();
    frame.focus();
    document.getSelection().selectAllChildren(document.querySelector("#accuracy .description"));
    globalThis.own = { frame, accuracy: document.querySelector("#accuracy").outerHTML, selected: String(getSelection()) };
    return { rows: details.querySelectorAll("tbody tr").length, y: frame.getBoundingClientRect().top, filter: document.querySelector("#filters image").href.baseVal };
  });
  await page.waitForFunction(
    ({ rows, filter }) =>
      document.querySelectorAll("#loss tbody tr").length > rows && document.querySelector("#filters image").href.baseVal !== filter,
    before,
  );
  const after = await page.evaluate(() => ({
    isSamePage: globalThis.own !== undefined,
    isOpen: document.querySelector("#loss details").open,
    hasFocus: document.activeElement === globalThis.own?.frame,
    isSelected: String(getSelection()) === globalThis.own?.selected,
    isHeld: document.querySelector("#accuracy").outerHTML === globalThis.own?.accuracy,
    y: globalThis.own?.frame.getBoundingClientRect().top,
    status: document.querySelector("#state [role=status]").textContent,
    live: document.querySelectorAll("[aria-live], [role=status]").length,
  }));
  for (const name of ["isSamePage", "isOpen", "hasFocus", "isSelected", "isHeld"]) if (!after[name]) fault(`not ${name} after a change`);
  if (Math.abs(after.y - before.y) > 2) fault(`what is read has moved from ${before.y} to ${after.y}`);
  if (!/^epoch \d+\/\d+$/.test(after.status)) fault(`the status is "${after.status}"`);
  if (after.live !== 1) fault(`${after.live} elements that are read out`);
  await page.evaluate(() => getSelection().removeAllRanges());
  await page.waitForFunction(() => document.querySelector("#accuracy").outerHTML !== globalThis.own.accuracy);
  faults.push(...(await look(page, axe)).map((text) => `${name}, training: ${text}`));
  await page.evaluate(() => { document.querySelector("#loss details").open = false; scrollTo(0, 0); });
  await picture(page, `live-${name}`);
  const end = await page.waitForFunction(() => {
    const status = document.querySelector("#state [role=status]").textContent;
    return /^(epoch|testing)/.test(status) ? false : status;
  });
  if ((await end.jsonValue()) !== "finished") throw new Error(`${name}: the run has ${await end.jsonValue()}`);
  // With nobody there to answer any more.
  await page.waitForTimeout(2000);
  if (!(await page.evaluate(() => globalThis.own !== undefined))) fault("the page was loaded again");
  if (!(await page.evaluate(() => document.querySelector("#confusion-matrix")))) fault("no confusion matrix");
  const state = await page.evaluate(() => document.querySelector("#state").textContent);
  if (!/^finished: the report is in .*report\.html$/.test(state)) fault(`the state is "${state}"`);
  faults.push(...(await look(page, axe)).map((text) => `${name}, finished: ${text}`));
  await picture(page, `finished-${name}`);
  await context.close();
}

await Promise.all(LOOKS.map((settings) => watch(settings).catch((error) => faults.push(String(error)))));
await browser.close();
console.log(faults.join("\n"));
process.exit(faults.length ? 1 : 0);
