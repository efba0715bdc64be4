// Models and images of one's own, dropped and chosen, and how a drawing is framed.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LOOKS, look } from "./look.mjs";
import { looked, picture, state, stroke, text, trained, visit } from "./web-visit.mjs";

const keras = new URL("../../assets/keras_files/", import.meta.url).pathname;

// Drops files, as { name, bytes }, on the page.
async function drop(page, files) {
  const parts = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString("base64") }));
  await page.evaluate((parts) => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of parts) transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    for (const type of ["dragenter", "dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }
  }, parts);
}

const said = (page, words) => page.waitForFunction((words) => document.querySelector("#files-said").textContent.includes(words), words);
// Until another run than the present one trains.
async function again(page, change) {
  await page.evaluate(() => { globalThis.before = globalThis.gpuCnn(); });
  await change();
  await page.waitForFunction(() => globalThis.gpuCnn() !== globalThis.before && globalThis.gpuCnn().losses.length > 0);
}

// A model of the command's, one of Keras's, and what is no model.
export async function models(session) {
  const fault = (message) => session.faults.push(`models: ${message}`);
  const page = await visit(session, "models", LOOKS[2], "?images=320");
  await trained(page, 2);
  const file = join(session.runs, "usual", "model.safetensors");
  await again(page, async () => drop(page, [{ name: basename(file), bytes: readFileSync(file) }]));
  await said(page, "model.safetensors goes on from here");
  const { losses } = await state(page, ["losses"]);
  // 20 steps have taught it something.
  if (!(losses[0] < 2.1)) fault(`the command's model goes on with a loss of ${losses[0]}`);
  if (await page.evaluate(() => document.body.classList.contains("dropping"))) fault("the mark of a drop stays");
  const tutorial = join(keras, "tutorial.keras");
  await drop(page, [{ name: "notes.safetensors", bytes: [1, 2, 3] }]);
  await page.waitForFunction(() => !/goes on|Reading/.test(document.querySelector("#files-said").textContent));
  const message = await text(page, "#files-said");
  if (!message.includes("notes.safetensors")) fault(`of a file that is no model it says "${message}"`);
  const steps = (await state(page, ["losses"])).losses.length;
  await trained(page, steps + 1);
  // Files of no known kind are told which are; a model's text goes into the editor.
  await drop(page, [{ name: "notes.txt", bytes: [1, 2, 3] }]);
  await said(page, "notes.txt cannot be used. Taken are pictures (in a folder for each class), IDX files, models as .safetensors");
  await drop(page, [{ name: "small.toml", bytes: Buffer.from('[[layers]]\ntype = "Flatten"\n\n[[layers]]\ntype = "Dense"\nunits = 10\nactivation = "softmax"\n') }]);
  await said(page, "small.toml is in the editor");
  await page.waitForFunction(() => document.querySelectorAll("#model-layers tbody tr").length === 2);
  // One for images of another size is refused, and the training goes on; with such images it is taken.
  const bytes = readFileSync(tutorial);
  await drop(page, [{ name: "tutorial.keras", bytes }]);
  await said(page, "tutorial.keras cannot be used");
  await again(page, () => drop(page, idx(80, 12, 12, 4)));
  await again(page, () => drop(page, [{ name: "tutorial.keras", bytes }]));
  await said(page, "tutorial.keras goes on from here");
  const { summary, image } = await state(page, ["summary", "image"]);
  if (summary.layers[0].name !== "stem" || String(image) !== "12,12,1") fault(`it trains ${summary.layers[0].name} on ${image}`);
  await page.context().close();
}

// IDX files of images and labels, of bars at other places for other classes.
function idx(count, height, width, classes) {
  const images = Buffer.alloc(16 + count * height * width);
  [0x803, count, height, width].forEach((value, i) => images.writeUInt32BE(value, 4 * i));
  const labels = Buffer.alloc(8 + count);
  [0x801, count].forEach((value, i) => labels.writeUInt32BE(value, 4 * i));
  for (let i = 0; i < count; i++) {
    const label = i % classes;
    labels[8 + i] = label;
    const left = Math.floor((label * width) / classes);
    for (let row = 2; row < height - 2; row++) for (let column = left + 1; column < left + 3; column++) images[16 + (i * height + row) * width + column] = 150 + ((i * 37) % 100);
  }
  return [{ name: "train-images-idx3-ubyte", bytes: images }, { name: "train-labels-idx1-ubyte", bytes: labels }];
}

export async function idxFiles(session) {
  const fault = (message) => session.faults.push(`idx: ${message}`);
  const page = await visit(session, "idx", LOOKS[2], "?images=320");
  await trained(page, 2);
  await again(page, () => drop(page, idx(210, 20, 24, 3)));
  await said(page, "images to train on");
  const { data, image, classes, images } = await state(page, ["data", "image", "classes", "images"]);
  if (data !== "own" || String(image) !== "20,24,1" || classes.length !== 3) fault(`it trains on ${data}, ${image}, ${classes}`);
  if (images !== 168) fault(`it trains on ${images} images`);
  const pad = await page.locator("#pad").evaluate(({ width, height }) => height / width);
  if (Math.abs(pad - 20 / 24) > 0.01) fault(`the pad's sides are as ${pad}`);
  await page.locator("#clear").click();
  await looked(page, () => stroke(page, [[0.2, 0.2], [0.2, 0.8]]));
  const { seen, probabilities } = await state(page, ["seen", "probabilities"]);
  if (Object.keys(seen).length !== 480 || probabilities.length !== 3) fault(`it sees ${Object.keys(seen).length} pixels, ${probabilities.length} classes`);
  const command = await text(page, "#command");
  if (!command.includes("--data FOLDER")) fault(`the command is "${command}"`);
  if ((await text(page, "#guess")) !== "Of 3 classes it begins near ln 3 = 1.1") fault(`it says "${await text(page, "#guess")}"`);
  await page.locator("#shaders summary").click();
  await page.waitForFunction(() => document.querySelectorAll("#shaders tbody tr").length > 1);
  const shaders = await text(page, "#shaders-command");
  if (!shaders.endsWith(" --input-shape 20,24,1 --classes 3")) fault(`the shaders' command is "${shaders}"`);
  const rows = await page.locator("#shaders tbody tr").evaluateAll((all) => all.map((row) => [row.cells[0].textContent, row.cells[1].textContent]));
  session.checkShaders?.(shaders, rows, fault);
  await drop(page, idx(10, 28, 28, 2).slice(0, 1));
  await page.waitForFunction(() => !document.querySelector("#files-said").textContent.includes("images to train on"));
  await page.context().close();
}

// PNG files, drawn by the browser: discs and bars, of a colour each, and one that is broken.
async function pictures(page, folder) {
  const made = await page.evaluate(async () => {
    const found = [];
    for (const name of ["bars", "discs"]) {
      for (let i = 0; i < 10; i++) {
        const canvas = new OffscreenCanvas(50, 40);
        const context = canvas.getContext("2d");
        context.fillStyle = "#000";
        context.fillRect(0, 0, 50, 40);
        context.fillStyle = name === "bars" ? "#e04020" : "#20a0e0";
        context.beginPath();
        if (name === "bars") context.rect(10 + i, 5, 8, 30);
        else context.arc(20 + i, 20, 10, 0, 7);
        context.fill();
        const blob = await canvas.convertToBlob();
        found.push([name, `${i}.png`, [...new Uint8Array(await blob.arrayBuffer())]]);
      }
    }
    return found;
  });
  for (const [name, file, bytes] of [...made, ["discs", "broken.png", [1, 2, 3]]]) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, file), Buffer.from(bytes));
  }
}

export async function folders(session) {
  const fault = (message) => session.faults.push(`folders: ${message}`);
  const page = await visit(session, "folders", LOOKS[2], "?images=320");
  await trained(page, 2);
  const folder = join(session.folder, "shapes");
  await pictures(page, folder);
  const trains = async (how, channels, side) => {
    await said(page, "images to train on");
    const { data, image, classes } = await state(page, ["data", "image", "classes"]);
    if (data !== "own" || String(image) !== `${side},${side},${channels}` || String(classes) !== "bars,discs") fault(`${how}: it trains on ${data}, ${image}, ${classes}`);
    const message = await text(page, "#files-said");
    if (!message.startsWith("16 images to train on and 4 to test") || !message.includes("1 could not be read: shapes/discs/broken.png")) fault(`${how}: "${message}"`);
  };
  await again(page, () => page.locator("#choose-folder").setInputFiles(folder));
  await trains("chosen", 3, 28);
  await page.waitForFunction(() => document.querySelectorAll("#samples button").length === 2);
  await page.locator("#clear").click();
  await looked(page, () => stroke(page, [[0.5, 0.2], [0.5, 0.8]]));
  const seen = Object.values((await state(page, ["seen"])).seen);
  if (seen.length !== 2352 || !seen.every((value, i) => value === seen[i - (i % 3)]) || !seen.some(Boolean)) fault("a stroke is not grey in all channels");
  session.faults.push(...(await look(page, session.axe)).map((one) => `folders: ${one}`));
  await picture(session, page, "own");
  // Dropped, as a folder, in grey and at another size.
  await page.locator("#pictures-form [name=channels]").selectOption("1");
  await page.locator("#pictures-form [name=side]").fill("32");
  const client = await page.context().newCDPSession(page);
  await again(page, async () => {
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await client.send("Input.dispatchDragEvent", { type, x: 200, y: 200, data: { items: [], files: [folder], dragOperationsMask: 1 } });
    }
  });
  await trains("dropped", 1, 32);
  await page.context().close();
}

// A small stroke in a corner becomes large and central, as the images are; a sample is shown as it is.
export async function framing(session) {
  const fault = (message) => session.faults.push(`framing: ${message}`);
  const page = await visit(session, "framing", LOOKS[2], "?images=320&adapter=cpu");
  await trained(page, 2);
  await page.waitForFunction(() => document.querySelectorAll("#samples button").length === 10);
  await page.locator("#pause").click();
  await page.waitForTimeout(600);
  const seen = async () => Object.values((await state(page, ["seen"])).seen);
  const shown = () => page.locator("#seen").evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0));
  const pixels = async (i) => page.locator("#samples canvas").nth(i).evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0));
  await looked(page, () => page.locator("#samples button").nth(2).click());
  if (String(await seen()) !== String(await pixels(2))) fault("a sample is not seen as it is");
  await page.locator("#clear").click();
  await looked(page, () => stroke(page, [[0.1, 0.1], [0.1, 0.25], [0.2, 0.25], [0.2, 0.1]]));
  await page.waitForTimeout(600);
  const found = await seen();
  if (String(found) !== String(await shown())) fault("what is shown beside the pad is not what the network sees");
  const rows = found.flatMap((value, i) => (value > 60 ? [Math.floor(i / 28)] : []));
  const columns = found.flatMap((value, i) => (value > 60 ? [i % 28] : []));
  const [top, bottom, left, right] = [Math.min(...rows), Math.max(...rows), Math.min(...columns), Math.max(...columns)];
  if (bottom - top < 14 || Math.abs((left + right) / 2 - 13.5) > 3 || Math.abs((top + bottom) / 2 - 13.5) > 4) fault(`a small stroke is seen at rows ${top} to ${bottom}, columns ${left} to ${right}`);
  // The drawing is finer than the image.
  const greys = await page.locator("#pad").evaluate((canvas) => [canvas.width, canvas.height]);
  if (greys[0] < 200) fault(`the pad has ${greys} pixels`);
  await picture(session, page, "framing");
  await page.context().close();
}
