// Pictures of one's own: found in folders, decoded by the browser, scaled to the size of an image.

// Files of what is dropped, with their paths: [{ file, path }].
export async function filesOf(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  // Both have to be taken before anything is awaited.
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const found = [];
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory) await walk(entry, found);
    else if (file) found.push({ file, path: file.name });
  }
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  while (true) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const one of entries) await walk(one, found);
  }
}

export const isPicture = (name) => /\.(png|jpe?g|gif|webp|bmp|avif|ico|svg|tiff?)$/i.test(name);
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// The pictures in a folder for each class: { classes, labels, bytes, image, unreadable: [paths], outside: count }.
// `channels` is 1, 3, or 0 for 3 where a picture has a colour. `progress` is told how many are read.
export async function readPictures(files, side, channels, progress) {
  const inFolders = files.filter(({ path }) => isPicture(path) && path.includes("/"));
  const classOf = (path) => path.split("/").at(-2);
  inFolders.sort((a, b) => order(classOf(a.path), classOf(b.path)) || order(a.path, b.path));
  const read = [], unreadable = [];
  for (const { file, path } of inFolders) {
    try {
      read.push({ name: classOf(path), pixels: await decode(file, side) });
    } catch {
      unreadable.push(path);
    }
    if ((read.length + unreadable.length) % 20 === 0) progress(read.length + unreadable.length, inFolders.length);
  }
  const depth = channels || (read.some(({ pixels }) => hasColor(pixels)) ? 3 : 1);
  const classes = [...new Set(read.map(({ name }) => name))];
  const size = side * side * depth;
  const bytes = new Uint8Array(read.length * size);
  read.forEach(({ pixels }, i) => bytes.set(depth === 3 ? pixels : grey(pixels), i * size));
  return { classes, labels: read.map(({ name }) => classes.indexOf(name)), bytes, image: [side, side, depth], unreadable };
}

// Red, green, blue of each pixel; what is transparent lies on white.
async function decode(file, side) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, side, side);
  bitmap.close();
  const { data } = context.getImageData(0, 0, side, side);
  const pixels = new Uint8Array(3 * side * side);
  for (let i = 0; i < side * side; i++) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return pixels;
}

function hasColor(pixels) {
  for (let i = 0; i < pixels.length; i += 3) if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return true;
  return false;
}

// The luma of ITU-R BT.601, as the command takes it.
function grey(pixels) {
  return Uint8Array.from({ length: pixels.length / 3 }, (_, i) => (19595 * pixels[3 * i] + 38470 * pixels[3 * i + 1] + 7471 * pixels[3 * i + 2] + 0x8000) >> 16);
}

// The bytes of files, one after the other.
export async function joined(files) {
  const parts = await Promise.all(files.map(async ({ file }) => new Uint8Array(await file.arrayBuffer())));
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, sizes: parts.map(({ length }) => length) };
}
