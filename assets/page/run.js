// What the page knows of a training.

// A training that has not begun, with the form's `options`.
export function made(options) {
  return {
    ...options,
    epochs: options.settings.epochs,
    epochSteps: Math.ceil(options.images / options.settings.batch_size),
    losses: [],
    accuracies: [],
    tests: [],
    speeds: [],
    // Of this training, and of what was trained before.
    steps: 0,
    before: 0,
    epochsOver: 0,
    looks: 0,
    filterLooks: 0,
    isOn: true,
    isOver: false,
    begun: performance.now(),
  };
}
