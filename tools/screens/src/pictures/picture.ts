import { crc32, deflateSync } from "node:zlib";
import { PNG } from "pngjs";

/** A picture: four bytes for each pixel, red, green, blue and opacity, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Reads a PNG. */
export function decodePicture(png: Uint8Array): Picture {
  const { width, height, data } = PNG.sync.read(Buffer.from(png));
  return { width, height, data: Uint8Array.from(data) };
}

/** Writes a picture as PNG with all its colors. */
export function encodeTrueColors({ width, height, data }: Picture): Uint8Array {
  const png = new PNG({ width, height });
  png.data.set(data);
  return PNG.sync.write(png);
}

/** Returns a picture at half its size; each pixel is the mean of four. A last odd row or column is left out. */
export function halve({ width, height, data }: Picture): Picture {
  const [columns, rows] = [Math.floor(width / 2), Math.floor(height / 2)];
  const half = new Uint8Array(columns * rows * 4);
  const row = width * 4;
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const from = y * 2 * row + x * 8;
      const to = (y * columns + x) * 4;
      for (let channel = 0; channel < 4; channel += 1) {
        const at = from + channel;
        const sum = byteAt(data, at) + byteAt(data, at + 4) + byteAt(data, at + row) + byteAt(data, at + row + 4);
        half[to + channel] = (sum + 2) >> 2;
      }
    }
  }
  return { width: columns, height: rows, data: half };
}

const byteAt = (data: Uint8Array, index: number): number => data[index] ?? 0;

const MOST_COLORS = 256;

/** The most frequent colors remain as they are: those of surfaces, lines and text. */
const EXACT_COLORS = 64;
/** Bits of each channel that the other colors may lose; the first number that leaves few enough colors is taken. */
const LOST_BITS = [3, 4, 5, 6] as const;

/**
 * Writes a picture as PNG with a palette of at most 256 colors, a third of the size of one with all colors. Of rare colors
 * that are alike, the most frequent one remains: the eye sees no difference, and neither does the comparison. `comment` is in the file.
 */
export function encodePalette(picture: Picture, comment?: string): Uint8Array {
  const colors = toColors(picture);
  const counts = new Map<number, number>();
  for (const color of colors) counts.set(color, (counts.get(color) ?? 0) + 1);
  const frequent = [...counts].sort(([a, m], [b, n]) => n - m || a - b).map(([color]) => color);
  for (const bits of LOST_BITS) {
    const { palette, places } = toPalette(frequent, bits);
    if (palette.length > MOST_COLORS) continue;
    return writePng(picture, { palette, indexes: Uint8Array.from(colors, (color) => places.get(color) ?? 0) }, comment);
  }
  throw new Error("A picture has too many colors.");
}

const KEYWORD = "Comment\0";

/** Returns the comment of a PNG that `encodePalette` has written; undefined without one. */
export function readComment(png: Uint8Array): string | undefined {
  const bytes = Buffer.from(png);
  const at = bytes.indexOf(`tEXt${KEYWORD}`);
  if (at < 0) return undefined;
  // The length of a chunk is before its type, and counts the keyword.
  return bytes
    .subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4))
    .toString("latin1")
    .slice(KEYWORD.length);
}

/** Returns the color of each pixel as one number. */
function toColors({ data, width, height }: Picture): Uint32Array {
  return Uint32Array.from({ length: width * height }, (_, pixel) => {
    const at = pixel * 4;
    return (byteAt(data, at) << 16) | (byteAt(data, at + 1) << 8) | byteAt(data, at + 2);
  });
}

/** Returns the colors of the palette, and the place in it of every color. `frequent`: the most frequent color first. */
function toPalette(frequent: readonly number[], bits: number) {
  const palette = frequent.slice(0, EXACT_COLORS);
  const places = new Map(palette.map((color, place) => [color, place]));
  const cells = new Map<number, number>();
  const mask = ((0xff >> bits) << bits) * 0x010101;
  for (const color of frequent.slice(EXACT_COLORS)) {
    const place = cells.get(color & mask) ?? palette.push(color) - 1;
    cells.set(color & mask, place);
    places.set(color, place);
  }
  return { palette, places };
}

interface Indexed {
  readonly palette: readonly number[];
  readonly indexes: Uint8Array;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** PNG specification 3, sections 11.2 and 12: color type 3, eight bits, no filter, not interlaced. */
function writePng({ width, height }: Picture, { palette, indexes }: Indexed, comment?: string): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colors = Uint8Array.from(palette.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]));
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    lines.set(indexes.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const content = deflateSync(lines, { level: 9, memLevel: 9 });
  return Buffer.concat([
    SIGNATURE,
    toChunk("IHDR", header),
    toChunk("PLTE", colors),
    ...(comment === undefined ? [] : [toChunk("tEXt", Buffer.from(KEYWORD + comment, "latin1"))]),
    toChunk("IDAT", content),
    toChunk("IEND", Buffer.alloc(0)),
  ]);
}

function toChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "ascii"), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
