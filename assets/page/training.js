// The training: piece after piece, and what the network makes of the picture in between.
import { call } from "./engine.js";
import { sleep } from "./dom.js";

const WATCH_MS = 250;
// Steps before the other device is timed.
const SETTLED = 40;

// Trains while `run` is on. Hooks: `isHeld` where it has to wait, `took` a reply of train with its milliseconds, `began` after the first one, `watch`
// about four times a second, `timed` with what the other device needs, `failed` with an error.
export async function train(run, hooks) {
  const { isCurrent, isHeld, took, began, watch, timed, failed } = hooks;
  if (run.isLooping) return;
  run.isLooping = true;
  const goesOn = () => isCurrent(run) && run.isReady && run.isOn && !run.isOver && !run.hasFailed && !run.isMoving && !isHeld();
  let watched = 0;
  while (goesOn()) {
    try {
      const { head, ms } = await call({ call: "train" });
      if (!isCurrent(run)) break;
      took(head, ms);
    } catch (error) {
      if (isCurrent(run)) failed(error);
      break;
    }
    if (!run.hasBegun) {
      run.hasBegun = true;
      began();
    }
    if (performance.now() - watched >= WATCH_MS) {
      watched = performance.now();
      await watch();
    }
    if (run.losses.length >= SETTLED && run.other === undefined && !run.isLive && goesOn()) {
      run.other = null;
      timed(await otherDevice());
    }
    if (run.isLive) await sleep(WATCH_MS);
  }
  // What is shown is what the last step has left.
  if (isCurrent(run) && !run.hasFailed && !run.isMoving && !isHeld()) await watch();
  run.isLooping = false;
  // It may have been told to go on meanwhile.
  if (goesOn()) await train(run, hooks);
}

async function otherDevice() {
  try {
    return (await call({ call: "other" })).head;
  } catch (error) {
    return { device: "", ms: null, note: error.message };
  }
}
