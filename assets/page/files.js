// Files that are dropped or chosen: models, IDX files, folders of pictures.
import { call } from "./engine.js";
import { byId, grouped, show, times } from "./dom.js";
import { filesOf, isPicture, joined, readPictures } from "./own.js";

const isModel = (name) => /\.(safetensors|keras|h5)$/i.test(name);
const isIdx = (name) => !isPicture(name) && /(idx|ubyte|\.gz$)/i.test(name);
// Files that are named.
const NAMED = 5;

// `goOn` is called with what `load` answers, `trainOn` with the data that were given; `imageNow` has the shape of the present images.
export function createFiles(goOn, trainOn, imageNow) {
  const say = (text) => show("files-said", text);

  async function take(files) {
    if (files.length === 0) return;
    const model = files.find(({ path }) => isModel(path));
    const idx = files.filter(({ path }) => isIdx(path));
    try {
      if (model) await load(model);
      else if (idx.length) await takeIdx(idx);
      else await takePictures(files);
    } catch (error) {
      say(error.message);
    }
    byId("files-said").scrollIntoView({ block: "nearest" });
  }

  async function load({ file }) {
    say(`Reading ${file.name} …`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { head } = await call({ call: "load", name: file.name, image: imageNow() }, bytes).catch((error) => {
      throw new Error(`${file.name} cannot be used: ${error.message}`);
    });
    await goOn(head);
    say(`${file.name} goes on from here: ${grouped(head.summary.total_params)} parameters.`);
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
    const more = unreadable.length > NAMED ? ` and ${unreadable.length - NAMED} more` : "";
    const bad = unreadable.length ? ` ${unreadable.length} could not be read: ${unreadable.slice(0, NAMED).join(", ")}${more}.` : "";
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
