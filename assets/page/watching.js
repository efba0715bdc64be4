// What the network makes of the picture under the pen, and its filters, looked at again and again.
import { call } from "./engine.js";
import { show } from "./dom.js";
import { addFilters } from "./filters.js";
import { layerOf, lookAt, showProbabilities, showSeen } from "./look.js";

// `current` gives the run, `isHeld` says whether another is being started, `failed` is told of errors of a device that may be lost.
export function createWatching({ current, isHeld, pad, layers, walk, failed }) {
  const isCurrent = (mine) => mine === current();

  async function lookAtFilters() {
    const mine = current();
    if (isHeld()) return;
    try {
      const layer = layerOf(await call({ call: "first_filters" }));
      if (!isCurrent(mine) || !layer) return;
      mine.paintFilters ??= addFilters(layers, layer, mine.image);
      mine.paintFilters(layer);
      mine.filterLooks += 1;
    } catch (error) {
      lookFailed(mine, error);
    }
  }

  // Strokes that come while it looks are looked at together.
  let isLooking = false, isMore = false;
  async function look() {
    isMore = isLooking;
    if (isLooking) return;
    isLooking = true;
    do {
      isMore = false;
      await lookOnce(current(), pad.picture());
    } while (isMore);
    isLooking = false;
  }

  async function lookOnce(mine, picture) {
    if (!mine.isReady || mine.isMoving || isHeld() || !picture) return;
    try {
      const [seen] = await Promise.all([lookAt(picture), walk.refresh()]);
      if (!isCurrent(mine) || !pad.isDrawn()) return;
      Object.assign(mine, { probabilities: seen.probabilities, seen: seen.seen, outputs: seen.outputs, looks: mine.looks + 1 });
      showProbabilities(seen.probabilities, mine.classes);
      showSeen(seen);
      layers.paint(seen);
    } catch (error) {
      lookFailed(mine, error);
    }
  }

  function lookFailed(mine, error) {
    if (!isCurrent(mine)) return;
    if (error.isOfDevice && mine.device !== "cpu") failed(mine, error);
    else show("answer", error.message);
  }

  return { look, lookFailed, watch: () => Promise.all([look(), lookAtFilters()]) };
}
