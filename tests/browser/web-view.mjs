// The page of `gpu-cnn view RUN`: node web.mjs ... view.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LOOKS, look } from "./look.mjs";
import { picture, state, text, trained, visit } from "./web-visit.mjs";

// What a run was, layer by layer, and training on.
export async function view(session) {
  const fault = (message) => session.faults.push(`view: ${message}`);
  const server = spawn(session.command, ["view", join(session.runs, "usual"), "--adapter", "cpu"], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    const address = await new Promise((resolve, reject) => {
      createInterface({ input: server.stderr }).on("line", (line) => {
        const found = line.match(/http:\S+/);
        if (found) resolve(found[0]);
      });
      server.on("exit", () => reject(new Error("gpu-cnn view has ended")));
    });
    const page = await visit({ ...session, address }, "view", LOOKS[2]);
    await trained(page, 20);
    await page.waitForFunction(() => globalThis.gpuCnn().looks > 0 && globalThis.gpuCnn().filterLooks > 0);
    const { losses, isOn, name } = await state(page, ["losses", "isOn", "name"]);
    if (losses.length !== 20 || isOn || name !== "usual") fault(`${losses.length} losses of ${name}, training: ${isOn}`);
    if (!(await text(page, "#status")).startsWith("usual: as it was trained")) fault(`it says "${await text(page, "#status")}"`);
    await page.locator("#layers article:nth-child(3) .map").nth(2).click();
    await page.waitForFunction(() => globalThis.gpuCnn().walk);
    if (!(await state(page, ["walk"])).walk.agrees) fault("the sum is not the map's");
    if ((await text(page, "#step")) !== "20" || (await page.locator("#progress").evaluate(({ value }) => value)) !== 1) fault(`it looks unfinished: step ${await text(page, "#step")}`);
    const form = await page.evaluate(() => Object.fromEntries(new FormData(document.querySelector("#settings"))));
    if (form.data !== "run" || form.epochs !== "1" || form.model !== "cnn") fault(`the form has ${JSON.stringify(form)}`);
    session.faults.push(...(await look(page, session.axe)).map((one) => `view: ${one}`));
    await picture(session, page, "view");
    await page.locator("#pause").click();
    await trained(page, 21);
    // Another model on the run's images.
    await page.locator("[name=model]").selectOption("dnn");
    await page.locator("[name=images]").fill("320");
    await page.locator("#settings button").click();
    await page.waitForFunction(() => globalThis.gpuCnn().name === undefined && globalThis.gpuCnn().isOver);
    const other = await state(page, ["data", "train"]);
    if (other.data !== "run" || other.train !== 320) fault(`it trains on ${other.train} of ${other.data}`);
    await page.context().close();
  } finally {
    server.kill();
  }
}
