// Compiles shaders by Tint, Chromium's compiler of WGSL: node tint.mjs MODULES ADDRESS SHADERS
// MODULES is the folder that scripts/browser prints, ADDRESS any page of this machine, SHADERS a JSON file of names and texts.
// Prints a line for each fault; the exit code is 1 where there is one.
import { readFileSync } from "node:fs";
import { open } from "./look.mjs";

const [modules, address, file] = process.argv.slice(2);
const shaders = Object.entries(JSON.parse(readFileSync(file, "utf8")));
const { browser } = await open(modules, true);
const page = await browser.newPage();
await page.goto(`${address}style.css`);
const faults = await page.evaluate(async (shaders) => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const of = async ([name, code]) => {
    device.pushErrorScope("validation");
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    const error = await device.popErrorScope();
    const texts = messages.map(({ type, lineNum, message }) => `${type} in line ${lineNum}: ${message}`);
    return [...texts, ...(error ? [error.message] : [])].map((text) => `${name}: ${text}`);
  };
  const found = [];
  for (const shader of [["a shader that is wrong", "fn f() -> u32 { return 1.5; }"], ...shaders]) found.push(await of(shader));
  return found;
}, shaders);
await browser.close();
// The one that is wrong shows that faults are seen.
const [seen, ...others] = faults;
const wrong = [...(seen.length ? [] : ["a shader that is wrong has been taken"]), ...others.flat()];
console.log([...wrong, `Tint has compiled ${shaders.length} shaders`].join("\n"));
process.exit(wrong.length ? 1 : 0);
