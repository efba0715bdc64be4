// Which classes are taken for which, and the worst pictures.
import { call } from "./engine.js";
import { byId, element, paintBytes, percent, rove, show } from "./dom.js";

// `getImage` gives the images' [height, width, channels], `report` is told what was found.
export function createMistakes(getImage, report) {
  const details = byId("mistakes");
  let found = null, isBusy = false;

  async function evaluate() {
    if (isBusy) return;
    isBusy = true;
    show("mistakes-sum", "Testing …");
    try {
      const { head, bytes } = await call({ call: "evaluate" });
      found = { ...head, bytes, image: getImage() };
      list();
      report(head);
    } catch (error) {
      show("mistakes-sum", `The test has failed: ${error.message}`);
    }
    isBusy = false;
  }

  function list() {
    const { classes, confusion, loss, accuracy } = found;
    const count = confusion.flat().reduce((a, b) => a + b, 0);
    show("mistakes-sum", `${count} test images: accuracy ${percent(accuracy)}, loss ${loss.toFixed(4)}.`);
    const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Label ↓, taken for →"), ...classes.map((name) => element("th", { scope: "col" }, name))));
    const rows = confusion.map((row, label) => {
      const all = row.reduce((a, b) => a + b, 0) || 1;
      return element("tr", {}, element("th", { scope: "row" }, classes[label]), ...row.map((number, predicted) => cell(number, number / all, label, predicted)));
    });
    const caption = element("caption", {}, "Rows are labels, columns what the network says. More colour: a larger share of the row. Choose a number off the diagonal to see its pictures.");
    const table = element("table", {}, caption, head, element("tbody", {}, ...rows));
    rove(table);
    byId("confusion").replaceChildren(table);
    showPictures(null);
  }

  function cell(number, share, label, predicted) {
    const made = element("td");
    made.style.backgroundColor = number ? `color-mix(in srgb, var(--s0) ${Math.round(8 + 30 * share)}%, transparent)` : "";
    if (number === 0 || label === predicted) {
      made.append(String(number));
      return made;
    }
    const name = `${number}: ${found.classes[label]} taken for ${found.classes[predicted]}`;
    const button = element("button", { type: "button", "aria-label": name }, String(number));
    button.addEventListener("click", () => showPictures({ label, predicted }));
    made.append(button);
    return made;
  }

  // All mistakes that were given, or those of a cell.
  function showPictures(chosen) {
    const { mistakes, classes, bytes, image } = found;
    const size = image[0] * image[1] * image[2];
    const own = mistakes.map((mistake, i) => ({ ...mistake, i }))
      .filter(({ label, predicted }) => !chosen || (label === chosen.label && predicted === chosen.predicted));
    const what = chosen ? `${classes[chosen.label]} taken for ${classes[chosen.predicted]}` : "The mistakes that it was surest of";
    const none = chosen ? ": none of them is among the surest." : ": there are none.";
    show("worst-title", own.length ? `${what}: ${own.length}` : `${what}${none}`);
    byId("worst").replaceChildren(...own.map(({ label, predicted, probability, i }) => {
      const canvas = element("canvas", { "aria-hidden": "true" });
      paintBytes(canvas, bytes.subarray(i * size, (i + 1) * size), image);
      return element("li", {}, canvas, element("span", {}, classes[label]), element("span", {}, `taken for ${classes[predicted]}, ${percent(probability)}`));
    }));
  }

  byId("evaluate").addEventListener("click", evaluate);
  details.addEventListener("toggle", () => {
    if (details.open && !found) evaluate();
  });

  return {
    clear() {
      found = null;
      for (const id of ["confusion", "worst"]) byId(id).replaceChildren();
      for (const id of ["mistakes-sum", "worst-title"]) show(id, "");
    },
    // After an epoch.
    refresh() {
      if (details.open) evaluate();
    },
  };
}
