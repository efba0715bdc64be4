// Files that are dropped or chosen: models, IDX files, folders of pictures.
import { call } from "./engine.js";
import { byId, grouped, show, times } from "./dom.js";
import { filesOf, isPicture, joined, readPictures } from "./own.js";

const isModel = (name) => /\.(safetensors|keras|h5)$/i.test(name);
const isText = (name) => /\.toml$/i.test(name);
const isIdx = (name) => !isPicture(name) && /(idx|ubyte|\.gz$)/i.test(name);
// Files that are named.
const NAMED = 5;
const KINDS = "pictures (in a folder for each class), IDX files, models as .safetensors, .keras or .h5, and a model's text as .toml";

const listed = (names) => `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ""}`;
const named = (files) => listed(files.map(({ path }) => path));

// `goOn` is called with what has the engine load a model, and gives what that answers; `trainOn` is called with the data that were given;
// `imageNow` has the shape of the present images, `edit` is called with a model's text.
export function createFiles(goOn, trainOn, imageNow, edit) {
  const say = (text) => show("files-said", text);

  async function take(files) {
    if (files.length === 0) return;
    const model = files.find(({ path }) => isModel(path));
    const toml = files.find(({ path }) => isText(path));
    const idx = files.filter(({ path }) => isIdx(path));
    try {
      if (model) await load(model);
      else if (toml) await takeText(toml);
      else if (idx.length) await takeIdx(idx);
      else if (files.some(({ path }) => isPicture(path))) await takePictures(files);
      else throw new Error(`${named(files)} cannot be used. Taken are ${KINDS}.`);
    } catch (error) {
      say(error.message);
    }
    byId("files-said").scrollIntoView({ block: "nearest" });
  }

  async function load({ file }) {
    say(`Reading ${file.name} …`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { summary } = await goOn(async () => {
      const { head } = await call({ call: "load", name: file.name, image: imageNow() }, bytes).catch((error) => {
        throw new Error(`${file.name} cannot be used: ${error.message}`);
      });
      return head;
    });
    say(`${file.name} goes on from here: ${grouped(summary.total_params)} parameters.`);
  }

  async function takeText({ file }) {
    edit(await file.text());
    say(`${file.name} is in the editor, where it can be changed and trained.`);
  }

  async function takeIdx(files) {
    say("Reading IDX files …");
    const { bytes, sizes } = await joined(files);
    await use((await call({ call: "idx", names: files.map(({ file }) => file.name), sizes }, bytes)).head, "");
  }

  async function takePictures(files) {
    say("Reading pictures …");
    const form = byId("pictures-form");
    const side = form.elements.side.valueAsNumber || 28;
    const found = await readPictures(files, side, Number(form.elements.channels.value), (read, of) => say(`Reading pictures: ${read} of ${of}`));
    const { unreadable, bytes, ...head } = found;
    const bad = unreadable.length ? ` ${unreadable.length} could not be read: ${listed(unreadable)}.` : "";
    if (head.classes.length < 2) throw new Error(`Pictures of at least two classes are needed, each in a folder of its own: found ${head.classes.length}.${bad}`);
    await use((await call({ call: "pictures", ...head }, bytes)).head, bad);
  }

  async function use(data, more) {
    const isTrained = await trainOn(data);
    say(`${grouped(data.train)} images to train on and ${grouped(data.test)} to test, of ${times(data.image)}, in ${data.classes.length} classes.${more}${isTrained ? "" : " The training on them could not start: above it says why."}`);
  }

  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (isOver) => document.body.classList.toggle("dropping", isOver);
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    mark(true);
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event)) mark((depth = Math.max(0, depth - 1)) > 0);
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    depth = 0;
    await take(await filesOf(event.dataTransfer));
  });
  for (const id of ["choose-files", "choose-folder"]) {
    const input = byId(id);
    byId(`${id}-button`).addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
      input.value = "";
      await take(files);
    });
  }
}
