// Editing a model, the confusion matrix, the shaders' hashes.
import { LOOKS, look } from "./look.mjs";
import { picture, state, text, trained, visit } from "./web-visit.mjs";

const SMALL = `[[layers]]
type = "Conv2D"
filters = 4
kernel_size = 5
activation = "relu"

[[layers]]
type = "MaxPooling2D"
pool_size = 2

[[layers]]
type = "Flatten"

[[layers]]
type = "Dense"
units = 10
activation = "softmax"
`;

// Shapes are shown while it is typed, errors at their lines, and the edited model is trained.
export async function editor(session) {
  const fault = (message) => session.faults.push(`editor: ${message}`);
  const page = await visit(session, "editor", LOOKS[2]);
  await trained(page, 1);
  const area = page.locator("#model-text");
  const rows = async () => (await page.locator("#model-layers tbody tr").allInnerTexts()).map((row) => row.replaceAll("\t", " "));
  if (!(await area.inputValue()).includes("filters = 64")) fault("the model in training is not in the editor");
  if ((await rows())[0] !== "conv2d Conv2D 26 × 26 × 64 640") fault(`the first layer is "${(await rows())[0]}"`);
  await area.fill(SMALL);
  await page.waitForFunction(() => document.querySelectorAll("#model-layers tbody tr").length === 4);
  const found = await rows();
  const shapes = ["conv2d Conv2D 24 × 24 × 4 104", "max_pooling2d MaxPooling2D 12 × 12 × 4 0", "flatten Flatten 576 0", "dense Dense 10 5,770"];
  if (String(found) !== String(shapes)) fault(`layers are ${found.join("; ")}`);

  const broken = [
    [SMALL.replace("filters = 4", "filters = = 4"), 3],
    [SMALL.replace("type = \"MaxPooling2D\"", "type = \"NoSuchLayer\""), null],
  ];
  for (const [wrong, line] of broken) {
    await area.fill(wrong);
    await page.waitForFunction(() => document.querySelector("#model-text").getAttribute("aria-invalid") === "true");
    const message = await text(page, "#model-error");
    const bad = await page.locator("#gutter .bad").allTextContents();
    if (!message || !(await page.locator("#model-error").isVisible()) || (await area.getAttribute("aria-describedby")) !== "model-error") fault("no message");
    if (bad.length !== 1 || !message.startsWith(`Line ${bad[0].replace(/\D/g, "")}: `) || (line && bad[0] !== `▶ ${line}`)) fault(`"${message}" marks ${bad}`);
    if (/\n|\^|\||TOML|from line/.test(message) || (line && message !== `Line ${line}: extra \`=\`, expected nothing`)) fault(`the message is "${message}"`);
    if (await page.locator("#train-model").isEnabled()) fault("a broken model can be trained");
    const lined = await page.evaluate(() => {
      const box = document.querySelector("#gutter .bad").getBoundingClientRect();
      const area = document.querySelector("#model-text");
      const style = getComputedStyle(area);
      const line = Number(document.querySelector("#gutter .bad").textContent.replace(/\D/g, ""));
      return box.top - (area.getBoundingClientRect().top + parseFloat(style.paddingTop) + (line - 1) * parseFloat(style.lineHeight) - area.scrollTop);
    });
    if (Math.abs(lined) > 3) fault(`the mark is ${lined} pixels beside its line`);
    if (line) {
      session.faults.push(...(await look(page, session.axe)).map((one) => `editor, broken: ${one}`));
      await picture(session, page, "editor");
    }
    await area.fill(SMALL);
    await page.waitForFunction(() => document.querySelector("#model-text").getAttribute("aria-invalid") === "false");
    if ((await page.locator("#gutter .bad").count()) || (await page.locator("#model-error").isVisible())) fault("the error stays");
  }
  await page.locator("#train-model").click();
  await page.waitForFunction(() => globalThis.gpuCnn().text && globalThis.gpuCnn().losses.length > 3);
  const { summary } = await state(page, ["summary"]);
  if (summary.total_params !== 5874) fault(`it trains a model of ${summary.total_params} parameters`);
  if ((await page.locator("#layers article:nth-child(1) .map").count()) > 4) fault("the layers are of the old model");
  const command = await text(page, "#command");
  if (!command.includes("--model model.toml")) fault(`the command is "${command}"`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save-model").click()]);
  if (download.suggestedFilename() !== "model.toml") fault(`the text is downloaded as ${download.suggestedFilename()}`);
  await page.locator("#model-preset").selectOption("lenet5");
  await page.waitForFunction(() => document.querySelector("#model-text").value.includes("AveragePooling2D"));
  await page.context().close();
}

// Every test image is in the matrix; a cell shows its pictures.
export async function matrix(session) {
  const fault = (message) => session.faults.push(`matrix: ${message}`);
  const page = await visit(session, "matrix", LOOKS[2], "?images=320&epochs=3");
  await trained(page, 5);
  await page.locator("#mistakes summary").click();
  await page.waitForFunction(() => globalThis.gpuCnn().evaluation);
  const numbers = async () => (await page.locator("#confusion tbody td").allTextContents()).map(Number);
  const { evaluation, classes } = await state(page, ["evaluation", "classes"]);
  const found = await numbers();
  const total = found.reduce((a, b) => a + b, 0);
  const right = found.filter((_, i) => i % (classes.length + 1) === 0).reduce((a, b) => a + b, 0);
  const said = await text(page, "#mistakes-sum");
  if (found.length !== 100 || !said.startsWith(`${total} test images`)) fault(`${found.length} numbers, ${total} together: "${said}"`);
  if (total !== 1000 || Math.abs(right / total - evaluation.accuracy) > 1e-6) fault(`${right} of ${total} are right, accuracy ${evaluation.accuracy}`);
  if ((await page.locator("#confusion thead th").count()) !== 11 || (await page.locator("#confusion tbody th[scope=row]").count()) !== 10) fault("headers are missing");
  const shades = new Set(await page.locator("#confusion td").evaluateAll((all) => all.map((cell) => getComputedStyle(cell).backgroundColor)));
  if (shades.size < 3) fault("the cells are not shaded");
  // After an epoch it is tested again.
  await page.evaluate(() => delete globalThis.gpuCnn().evaluation);
  await page.waitForFunction(() => globalThis.gpuCnn().evaluation && globalThis.gpuCnn().isOver);
  await page.locator("#evaluate").click();
  await page.waitForTimeout(1500);
  const { mistakes } = (await state(page, ["evaluation"])).evaluation;
  const worst = page.locator("#worst li");
  if ((await worst.count()) !== mistakes.length) fault(`${await worst.count()} pictures of ${mistakes.length} mistakes`);
  if (mistakes.length) {
    const [{ label, predicted }] = mistakes;
    const same = mistakes.filter((one) => one.label === label && one.predicted === predicted).length;
    await page.locator("#confusion tbody tr").nth(label).locator("td").nth(predicted).locator("button").click();
    if ((await worst.count()) !== same) fault(`a cell shows ${await worst.count()} of ${same} pictures`);
    if (!(await worst.first().textContent()).includes(classes[label])) fault("a picture is not named");
  }
  session.faults.push(...(await look(page, session.axe)).map((one) => `matrix: ${one}`));
  await picture(session, page, "matrix");
  await page.context().close();
}

// Names and hashes of shaders, as the command that is given prints them.
export async function shaders(session) {
  const fault = (message) => session.faults.push(`shaders: ${message}`);
  const page = await visit(session, "shaders", LOOKS[0]);
  await trained(page, 1);
  await page.locator("#shaders summary").click();
  await page.waitForFunction(() => document.querySelectorAll("#shaders tbody tr").length > 1);
  const rows = await page.locator("#shaders tbody tr").evaluateAll((all) => all.map((row) => [row.cells[0].textContent, row.cells[1].textContent]));
  if (!rows.every(([name, hash]) => name && /^[0-9a-f]{64}$/.test(hash))) fault(`rows are ${rows.slice(0, 3)}`);
  const command = await text(page, "#shaders-command");
  if (!command.startsWith("gpu-cnn ")) fault(`the command is "${command}"`);
  session.checkShaders?.(command, rows, fault);
  session.faults.push(...(await look(page, session.axe)).map((one) => `shaders: ${one}`));
  await picture(session, page, "shaders-phone");
  await page.context().close();
}
