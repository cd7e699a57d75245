import pixelmatch from "pixelmatch";
import type { Picture } from "./picture.ts";

/** How two pictures of a screen differ. */
interface Difference {
  /** Pixels that look different to the eye, without those of smoothed edges. */
  readonly pixels: number;
  /** The stored picture, the differences in red over a faint picture, and the taken picture, next to each other. */
  readonly picture: Picture;
}

/**
 * How far a color may be from the stored one, from 0 to 1. The tint of "healthy" and that of "failed" are 0.07 from each
 * other, the colors of two machines less than 0.01.
 */
const THRESHOLD = 0.04;

/**
 * Pixels of a picture that may differ: smoothed curves of icons and corners, which are rounded differently on another machine.
 * On one machine none does. A letter that has changed differs by about 30, a button that moves by two pixels by about a hundred.
 */
const ALLOWED_PIXELS = 12;

/** Returns how a picture differs from the stored one; undefined when the eye sees no difference. */
export function comparePictures(stored: Picture, taken: Picture): Difference | undefined {
  const width = Math.max(stored.width, taken.width);
  const height = Math.max(stored.height, taken.height);
  const output = new Uint8Array(width * height * 4);
  const options = { threshold: THRESHOLD, alpha: 0.3 };
  const [before, after] = [extend(stored, width, height), extend(taken, width, height)];
  const pixels = pixelmatch(before.data, after.data, output, width, height, options);
  const isSameSize = stored.width === taken.width && stored.height === taken.height;
  if (isSameSize && pixels <= ALLOWED_PIXELS) return undefined;
  return { pixels, picture: joinPictures([before, { width, height, data: output }, after]) };
}

const MAGENTA = [255, 0, 255, 255];

/** Returns a picture of a larger size, whose new part has a color that no screen has. */
function extend(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const data = new Uint8Array(width * height * 4);
  for (let at = 0; at < data.length; at += 4) data.set(MAGENTA, at);
  copy(picture, { width, height, data }, 0);
  return { width, height, data };
}

/** Puts pictures of one height next to each other. */
function joinPictures(pictures: readonly Picture[]): Picture {
  const width = pictures.reduce((sum, picture) => sum + picture.width, 0);
  const height = Math.max(...pictures.map((picture) => picture.height));
  const joined = { width, height, data: new Uint8Array(width * height * 4) };
  let left = 0;
  for (const picture of pictures) {
    copy(picture, joined, left);
    left += picture.width;
  }
  return joined;
}

function copy(from: Picture, to: Picture, left: number): void {
  for (let y = 0; y < from.height; y += 1) {
    const row = from.data.subarray(y * from.width * 4, (y + 1) * from.width * 4);
    to.data.set(row, (y * to.width + left) * 4);
  }
}
