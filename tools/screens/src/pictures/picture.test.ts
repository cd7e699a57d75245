import { describe, expect, it } from "vitest";
import { comparePictures } from "./compare-pictures.ts";
import { decodePicture, encodePalette, encodeTrueColors, halve, type Picture, readComment } from "./picture.ts";

/** Returns a picture whose pixels have the color that the function returns for their place. */
function paint(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly [number, number, number],
): Picture {
  const data = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    data.set([...color(pixel % width, Math.floor(pixel / width)), 255], pixel * 4);
  }
  return { width, height, data };
}

const INK = [20, 23, 28] as const;
const PAPER = [250, 251, 252] as const;

/** A button: a dark frame of 60 by 18 pixels. */
const aButton = (left: number, top = 20) =>
  paint(160, 80, (x, y) => {
    const isInside = x >= left && x < left + 60 && y >= top && y < top + 18;
    const isWithin = x > left && x < left + 59 && y > top && y < top + 17;
    return isInside && !isWithin ? INK : PAPER;
  });

describe("comparePictures", () => {
  it("finds a button that has moved by two pixels, in any direction", () => {
    expect(comparePictures(aButton(30), aButton(32))?.pixels).toBeGreaterThan(50);
    expect(comparePictures(aButton(30), aButton(30, 22))?.pixels).toBeGreaterThan(50);
  });

  it("finds another color of a surface, and a picture that has become longer", () => {
    const green = paint(40, 40, () => [221, 243, 231]);
    const red = paint(40, 40, () => [253, 232, 230]);
    const longer = paint(40, 41, () => [221, 243, 231]);

    expect(comparePictures(green, red)?.pixels).toBe(1_600);
    expect(comparePictures(green, longer)?.pixels).toBe(40);
  });

  it("finds a few letters that have changed", () => {
    const paper = paint(160, 80, () => PAPER);
    const letters = paint(160, 80, (x, y) => (y >= 5 && y < 10 && x < 7 ? INK : PAPER));

    expect(comparePictures(paper, letters)?.pixels).toBe(35);
  });

  it("sees no difference that an eye does not see: a color that is rounded, a few pixels", () => {
    const rounded = paint(160, 80, () => [248, 250, 252]);
    const spots = paint(160, 80, (x, y) => (y === 5 && x < 9 ? INK : PAPER));

    expect(
      comparePictures(
        paint(160, 80, () => PAPER),
        rounded,
      ),
    ).toBeUndefined();
    expect(
      comparePictures(
        paint(160, 80, () => PAPER),
        spots,
      ),
    ).toBeUndefined();
  });

  it("draws before, difference and after next to each other", () => {
    const difference = comparePictures(aButton(30), aButton(40));

    expect([difference?.picture.width, difference?.picture.height]).toEqual([480, 80]);
  });
});

describe("encodePalette", () => {
  it("keeps the colors of surfaces exactly, and of a picture with many colors what the eye sees", () => {
    const few = aButton(30);
    const many = paint(256, 256, (x, y) => [x, y, (x + y) >> 1]);

    expect(decodePicture(encodePalette(few))).toEqual(few);
    const read = decodePicture(encodePalette(many));
    const farthest = many.data.reduce(
      (most, value, index) => Math.max(most, Math.abs(value - (read.data[index] ?? 0))),
      0,
    );
    expect(farthest).toBeLessThan(64);
    expect(encodePalette(many).length).toBeLessThan(encodeTrueColors(many).length);
  });
});

describe("halve", () => {
  it("takes the mean of four pixels, and leaves a last odd row out", () => {
    const half = halve(paint(4, 5, (x) => [x % 2 === 0 ? 0 : 200, 10, 255]));

    expect(half).toEqual(paint(2, 2, () => [100, 10, 255]));
  });
});

describe("readComment", () => {
  it("returns the comment of a picture that can be read as before", () => {
    const [plain, said] = [encodePalette(aButton(30)), encodePalette(aButton(30), "With a.png")];

    expect([readComment(plain), readComment(said)]).toEqual([undefined, "With a.png"]);
    expect(decodePicture(said)).toEqual(decodePicture(plain));
  });
});
