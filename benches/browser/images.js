// The images that all frameworks train on: a bright square whose place depends on the class, in noise.
export const IMAGE = [28, 28, 1];
export const CLASSES = 10;
export const BATCH = 32;
const COUNT = 100 * BATCH;
const SQUARE = 6;

export function images(count = COUNT) {
  const [height, width] = IMAGE;
  const random = generator(1);
  const pixels = new Uint8Array(count * height * width);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const label = Math.floor(random() * CLASSES);
    // Some labels are wrong, so that the loss and its gradients do not vanish.
    labels[i] = random() < 0.1 ? Math.floor(random() * CLASSES) : label;
    const image = pixels.subarray(i * height * width, (i + 1) * height * width);
    for (let j = 0; j < image.length; j++) image[j] = random() * 160;
    const [top, left] = [4 + 14 * (label % 2), 2 + 5 * Math.floor(label / 2)];
    for (let y = top; y < top + SQUARE; y++) {
      for (let x = left; x < left + SQUARE; x++) image[y * width + x] += 60;
    }
  }
  return { count, pixels, labels };
}

// Numbers from 0 to 1 by a linear congruential generator.
function generator(state) {
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}
