// By keyboard alone, at phone width, and what happens where a device fails.
import { LOOKS, look, open } from "./look.mjs";
import { looked, picture, state, text, trained, visit } from "./web-visit.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

// Presses tab until `selector` has the focus.
async function tabTo(page, selector, most = 80) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
  }
  throw new Error(`no way by tab to ${selector}`);
}

// Draws, opens the sums of a map, steps through them, edits the model and trains it, without a pointer.
export async function keys(session) {
  const fault = (message) => session.faults.push(`keys: ${message}`);
  const page = await visit(session, "keys", LOOKS[2], "?images=320");
  await trained(page, 2);
  await looked(page);
  await tabTo(page, "#pause");
  await page.keyboard.press("Enter");
  if ((await state(page, ["isOn"])).isOn) fault("enter does not pause");
  await tabTo(page, "#pad");
  await looked(page, async () => {
    await page.keyboard.press("Space");
    for (let i = 0; i < 6; i++) await page.keyboard.press("Shift+ArrowDown");
  });
  await tabTo(page, "#layers .filter");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => globalThis.gpuCnn().walk && !document.querySelector("#walk").hidden);
  const { walk: first } = await state(page, ["walk"]);
  if (first.map !== 2) fault(`enter on the third filter opens map ${first.map + 1}`);
  await tabTo(page, "#walk-on");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  const { walk: second } = await state(page, ["walk"]);
  if (second.row !== (first.row + 1) % 26 || second.column !== first.column + 1) fault(`arrows lead from ${first.row}, ${first.column} to ${second.row}, ${second.column}`);
  if (!(await text(page, "#walk-said")).includes(`row ${second.row + 1}, column ${second.column + 1}`)) fault("the step is not said");
  await tabTo(page, "#walk-position");
  await page.keyboard.press("Home");
  const { walk: third } = await state(page, ["walk"]);
  if (third.row !== 0 || third.column !== 0) fault("the slider does not lead to the first place");
  await page.keyboard.press("Escape");
  await tabTo(page, "#walk-close");
  await page.keyboard.press("Enter");
  if (!(await page.evaluate(() => document.activeElement.matches(".filter") && document.querySelector("#walk").hidden))) fault("closing does not lead back to the filter");
  await tabTo(page, "#model-text");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("oops");
  await page.waitForFunction(() => document.querySelector("#model-text").getAttribute("aria-invalid") === "true");
  for (let i = 0; i < 4; i++) await page.keyboard.press("Backspace");
  await page.waitForFunction(() => document.querySelector("#model-text").getAttribute("aria-invalid") === "false");
  await tabTo(page, "#train-model");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => globalThis.gpuCnn().text && globalThis.gpuCnn().losses.length > 0);
  await tabTo(page, "#mistakes summary");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => globalThis.gpuCnn().evaluation);
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), (async () => {
    await tabTo(page, "#choose-files-button");
    await page.keyboard.press("Enter");
  })()]);
  if (!chooser.isMultiple()) fault("one file can be chosen");
  await page.context().close();
}

// All of it on a phone, by touch.
export async function phone(session) {
  const fault = (message) => session.faults.push(`phone: ${message}`);
  for (const colorScheme of ["light", "dark"]) {
    const page = await visit(session, `phone, ${colorScheme}`, { ...PHONE, colorScheme }, "?images=320");
    await trained(page, 5);
    await looked(page);
    await page.locator("#layers article:nth-child(3) .map").nth(3).tap();
    await page.waitForFunction(() => !document.querySelector("#walk").hidden);
    for (const id of ["epochs", "mistakes", "first-losses", "shaders"]) await page.locator(`#${id} summary`).tap();
    await page.waitForFunction(() => globalThis.gpuCnn().evaluation && document.querySelectorAll("#shaders tbody tr").length > 0);
    await page.waitForFunction(() => globalThis.gpuCnn().isOver);
    await page.waitForTimeout(1500);
    session.faults.push(...(await look(page, session.axe)).map((one) => `phone, ${colorScheme}: ${one}`));
    const small = await page.locator("main button, main select, main input").evaluateAll((all) => all.flatMap((one) => {
      const { width, height } = one.getBoundingClientRect();
      return width && (width < 24 || height < 24) && !one.hidden && one.type !== "range" ? [one.outerHTML.slice(0, 60)] : [];
    }));
    if (small.length) fault(`${small.length} targets are small, ${small[0]}`);
    await picture(session, page, `phone-${colorScheme}`);
    await page.context().close();
  }
}

// A device that is lost: the training goes on on the CPU, from where the last copy was.
export async function lost(session) {
  const fault = (message) => session.faults.push(`lost: ${message}`);
  const { browser } = await open(session.modules, !session.isMock);
  const page = await visit(session, "lost", LOOKS[2], "?model=dnn&adapter=webgpu&epochs=2&images=1600", browser);
  await trained(page, 20);
  if ((await state(page, ["device"])).device !== "webgpu") fault("the device is not WebGPU");
  await page.evaluate(() => globalThis.gpuCnn.call({ call: "lose_device" }));
  await page.waitForFunction(() => globalThis.gpuCnn().device === "cpu");
  const { losses, steps } = await state(page, ["losses", "steps"]);
  if (losses.length < steps - 20 || losses.length > steps) fault(`${losses.length} losses at step ${steps}`);
  const status = await text(page, "#status");
  if (!status.startsWith("The GPU has failed") || !status.includes("goes on on the CPU")) fault(`it says "${status}"`);
  if (!(await text(page, "#device")).startsWith("CPU")) fault("the device is not said");
  await page.waitForFunction(() => globalThis.gpuCnn().isOver);
  const end = await state(page, ["losses", "tests", "steps"]);
  if (end.losses.length !== 100 || end.tests.length !== 2 || end.steps !== 100) fault(`it ends with ${end.losses.length} losses, ${end.tests.length} tests, at step ${end.steps}`);
  await browser.close();
}

// A start that fails leaves what trains; a loss that is not finite ends the training, not the model.
export async function failures(session) {
  const fault = (message) => session.faults.push(`failures: ${message}`);
  const page = await visit(session, "failures", LOOKS[2], "?model=dnn&adapter=cpu&images=640&epochs=200&batch_size=0&data=own&length=1");
  await trained(page, 5);
  await looked(page);
  const kept = await page.evaluate(() => {
    globalThis.before = globalThis.gpuCnn();
    return [globalThis.before.losses.length, ...["batch_size", "data"].map((name) => document.querySelector(`[name=${name}]`).value)];
  });
  if (String(kept.slice(1)) !== "32,synthetic") fault(`of an address that is wrong it takes ${kept.slice(1)}`);
  // A model for nine classes, past the button that is off.
  await page.locator("#model-text").fill('[[layers]]\ntype = "Flatten"\n\n[[layers]]\ntype = "Dense"\nunits = 9\nactivation = "softmax"\n');
  await page.waitForFunction(() => document.querySelector("#train-model").disabled);
  await page.evaluate(() => {
    document.querySelector("#train-model").disabled = false;
    document.querySelector("#train-model").click();
  });
  await page.waitForFunction(() => document.querySelector("#status").textContent.startsWith("It could not start: "));
  const { losses } = await state(page, ["losses"]);
  await trained(page, losses.length + 2);
  await looked(page, () => page.locator("#samples button").nth(1).click());
  if (losses.length < kept[0] || !(await page.evaluate(() => globalThis.gpuCnn() === globalThis.before))) fault("a start that fails takes the model away");
  if ((await text(page, "#pause")) !== "Pause" || !(await page.locator("#download").isEnabled())) fault("after a start that failed the buttons are off");
  // A field that is wrong is not sent.
  await page.locator("[name=epochs]").fill("0");
  await page.locator("#model-text").fill('[[layers]]\ntype = "Flatten"\n\n[[layers]]\ntype = "Dense"\nunits = 10\nactivation = "softmax"\n');
  await page.waitForFunction(() => document.querySelector("#model-text").getAttribute("aria-invalid") === "false");
  await page.locator("#train-model").click();
  await page.waitForTimeout(500);
  if (!(await page.evaluate(() => globalThis.gpuCnn() === globalThis.before && document.activeElement.name === "epochs"))) fault("it trains for no epoch");
  await page.context().close();

  // The engine's worker, of which a step fails.
  const context = await session.browser.newContext({ reducedMotion: "reduce" });
  await context.route("**/worker.js", async (route) => {
    const response = await route.fetch();
    const body = `${await response.text()}
      const answer = onmessage;
      let steps = 0;
      onmessage = (event) => {
        const { call } = JSON.parse(event.data.head);
        if (call === "start") steps = 0;
        if (call === "train" && ++steps === 5) postMessage({ error: "the loss is NaN at step 5" });
        else return answer(event);
      };`;
    return route.fulfill({ response, body });
  });
  const failing = await context.newPage();
  await failing.goto(`${session.address}?model=dnn&images=640&epochs=200`);
  await failing.waitForFunction(() => globalThis.gpuCnn?.().hasFailed);
  const status = await text(failing, "#status");
  if (status !== "The training has ended: the loss is NaN at step 5") fault(`it says "${status}"`);
  await failing.waitForFunction(() => document.querySelectorAll("#samples button").length === 10);
  await looked(failing, () => failing.locator("#samples button").nth(2).click());
  if ((await text(failing, "#seen-how")) !== "the picture as it is") fault("a sample is called a drawing");
  await failing.locator("#settings button").click();
  await failing.waitForFunction(() => !globalThis.gpuCnn().hasFailed && globalThis.gpuCnn().losses.length > 0);
  await context.close();
}

// Where WebGPU cannot be had, the CPU trains, and the page says so.
export async function without(session) {
  const page = await visit(session, "without", LOOKS[2], "?adapter=webgpu&images=320&model=dnn");
  await trained(page, 3);
  const status = await text(page, "#status");
  if ((await state(page, ["device"])).device !== "cpu" || !status.startsWith("The GPU could not be used")) session.faults.push(`without: "${status}"`);
  await page.context().close();
}
