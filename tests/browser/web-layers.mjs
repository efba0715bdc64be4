// Filters, feature maps, and the sums that a step through them shows.
import { LOOKS, look } from "./look.mjs";
import { looked, picture, state, stroke, sums, text, trained, visit } from "./web-visit.mjs";

// Filters change while it learns; maps of all layers are there, and change with the picture.
export async function maps(session) {
  const fault = (message) => session.faults.push(`maps: ${message}`);
  const page = await visit(session, "maps", LOOKS[2]);
  await trained(page, 3);
  await looked(page);
  const filters = await sums(page, "#layers .filter canvas");
  const at = (await state(page, ["filterLooks"])).filterLooks;
  await page.waitForFunction((at) => globalThis.gpuCnn().filterLooks > at + 2, at);
  const later = await sums(page, "#layers .filter canvas");
  if (filters.length !== 64 || filters.filter((sum, i) => sum !== later[i]).length < 32) fault(`of ${filters.length} filters few have changed`);
  const counts = await page.locator("#layers article").evaluateAll((all) => all.map((one) => one.querySelectorAll(".map, .unit").length));
  if (String(counts) !== "64,64,64,64,0,128,10") fault(`maps of layers: ${counts}`);
  // From here on nothing but the picture changes.
  await page.locator("#pause").click();
  await page.waitForTimeout(600);
  await looked(page, () => page.locator("#samples button").nth(1).click());
  const colors = () => page.locator("#layers .unit").evaluateAll((all) => all.map((unit) => unit.style.backgroundColor));
  const before = [...(await sums(page, "#layers .map canvas")), ...(await colors())];
  await page.locator("#clear").click();
  await stroke(page, [[0.2, 0.2], [0.8, 0.8], [0.2, 0.8]]);
  await page.waitForTimeout(1000);
  const after = [...(await sums(page, "#layers .map canvas")), ...(await colors())];
  let from = 0;
  for (const [layer, count] of counts.entries()) {
    const changed = before.slice(from, from + count).filter((sum, i) => sum !== after[from + i]).length;
    if (count && changed < Math.min(3, count)) fault(`${changed} of ${count} maps of layer ${layer + 1} change with the drawing`);
    from += count;
  }
  if (new Set(after.slice(0, 64)).size < 10) fault("the maps of the first layer are all the same");
  const words = await text(page, "#layers article:nth-child(1) > p");
  if (!words.includes("64 filters of 3 × 3 slide over the 28 × 28 picture; each makes a map of 26 × 26") || !words.includes("64 × (9 + 1) = 640")) fault(`the first layer is "${words}"`);
  const deep = await text(page, "#layers article:nth-child(3) > p");
  if (!deep.includes("64 × (9 × 64 + 1) = 36,928")) fault(`the third layer is "${deep}"`);
  await page.context().close();
}

// The sum of the window is the map's number; pooling shows who won; dense layers their contributions.
export async function walk(session) {
  const fault = (message) => session.faults.push(`walk: ${message}`);
  const page = await visit(session, "walk", LOOKS[2]);
  await trained(page, 5);
  await looked(page);
  const walked = async () => (await state(page, ["walk"])).walk;
  // `found` is from the network, `sum` from the page; the two again from the outputs that the page has.
  const check = async (where) => {
    const { layer, row, column, map, sum, found } = await walked();
    const output = await page.evaluate(({ layer, row, column, map }) => {
      const { shape, values } = globalThis.gpuCnn().outputs.get(layer);
      return shape.length === 1 ? values[map] : values[(row * shape[1] + column) * shape[2] + map];
    }, { layer, row, column, map });
    if (!(Math.abs(sum - found) <= 1e-3) || found !== output) fault(`${where}: the sum is ${sum}, the map has ${found} and ${output}`);
    return Math.abs(found);
  };
  await page.locator("#pause").click();
  await page.waitForTimeout(600);
  for (const [layer, selector, steps] of [[1, ".filter", 40], [1, ".map", 30], [3, ".map", 40], [2, ".map", 20], [4, ".map", 20], [6, ".unit", 12], [7, ".unit", 9]]) {
    await page.locator(`#layers article:nth-child(${layer}) ${selector}`).nth(5).click();
    await page.waitForFunction(() => !document.querySelector("#walk").hidden);
    let most = 0;
    for (let i = 0; i < steps; i++) {
      most = Math.max(most, await check(`layer ${layer}, step ${i}`));
      await page.locator("#walk-on").click();
    }
    if (selector === ".filter" || layer === 7) if (most === 0) fault(`layer ${layer}: all numbers are 0`);
    const said = await text(page, "#walk-sum");
    if (!said.endsWith("the same.")) fault(`layer ${layer}: it says "${said}"`);
    if (layer === 3) await picture(session, page, "walk");
  }
  // Windows of a pool: the one that won is the largest, and marked.
  await page.locator("#layers article:nth-child(2) .map").nth(5).click();
  await page.waitForTimeout(300);
  const won = new Set();
  for (let i = 0; i < 26; i++) {
    const { window, winner, sum } = await walked();
    const marked = await page.locator("#walk-numbers td").evaluateAll((all) => all.findIndex((cell) => cell.matches(".won")));
    if (window.length !== 4 || window[winner] !== Math.max(...window) || sum !== window[winner] || marked !== winner) fault(`of ${window} number ${winner} has won, ${marked} is marked`);
    won.add(winner);
    await page.locator("#walk-on").click();
  }
  if (won.size < 2) fault("always the same number of a window wins");
  // Of many channels one is shown, the others are in the list.
  await page.locator("#layers article:nth-child(3) .map").nth(3).click();
  await page.waitForTimeout(300);
  if ((await page.locator("#walk-channel option").count()) !== 65) fault("the channels are not listed");
  await page.locator("#walk-channel").selectOption({ value: "7" });
  if ((await walked()).channel !== 7) fault("another channel is not shown");
  session.faults.push(...(await look(page, session.axe)).map((one) => `walk: ${one}`));
  await page.context().close();

  // It plays by itself, unless less motion is wanted.
  const moving = await visit(session, "playing", { ...LOOKS[2], reducedMotion: "no-preference" });
  await trained(moving, 3);
  await looked(moving);
  await moving.locator("#layers .map").first().click();
  await moving.waitForFunction(() => globalThis.gpuCnn().walk);
  const begun = (await state(moving, ["walk"])).walk;
  await moving.waitForFunction(({ column }) => globalThis.gpuCnn().walk.column !== column, begun);
  await moving.locator("#walk-play").click();
  const held = (await state(moving, ["walk"])).walk;
  await moving.waitForTimeout(1200);
  const still = (await state(moving, ["walk"])).walk;
  if (still.column !== held.column || still.row !== held.row) fault("it goes on while it is held");
  await moving.context().close();
}

// The mean of a window, the zeros around a picture, other activations: the other built-in models.
export async function otherModels(session) {
  const fault = (message) => session.faults.push(`other models: ${message}`);
  for (const model of ["lenet5", "mobilenet-small", "resnet-small"]) {
    const page = await visit(session, model, LOOKS[2], `?model=${model}&images=64&adapter=cpu`);
    await trained(page, 1);
    await looked(page);
    await page.locator("#pause").click();
    await page.waitForTimeout(1000);
    const layers = page.locator("#layers article");
    let checked = 0;
    for (let i = 0; i < (await layers.count()) && checked < 12; i++) {
      const buttons = layers.nth(i).locator(".map, .unit");
      if ((await buttons.count()) === 0) continue;
      await buttons.nth(2).click();
      const name = await page.evaluate((i) => globalThis.gpuCnn().summary.layers[i].name, i);
      await page.waitForFunction((name) => globalThis.gpuCnn().walk?.layer === name, name);
      for (let step = 0; step < 5; step++) {
        const { walk } = await state(page, ["walk"]);
        if (walk.agrees !== true) fault(`${model}, ${name}, ${walk.kind}: ${walk.sum} is not ${walk.found}`);
        await page.locator("#walk-on").click();
      }
      checked += 1;
    }
    if (checked < 6) fault(`${model}: only ${checked} layers have maps`);
    const { looks, losses } = await state(page, ["looks", "losses"]);
    console.log(`${model}: ${checked} layers checked, after ${losses.length} steps and ${looks} looks`);
    await page.context().close();
  }
}
