import { describe, expect, it } from "vitest";
import { appendPart, byteLength, createBuffer, findLine, type LogBuffer, MAX_LINE, prependPart } from "./log-buffer.ts";

const part = (from: number, text: string) => ({ from, to: from + new TextEncoder().encode(text).length, text });
const texts = ({ lines }: LogBuffer) => lines.map(({ text }) => text);

describe("appendPart", () => {
  it("joins a line that two parts share, and numbers lines by their bytes", () => {
    const first = appendPart(createBuffer(0), part(0, "ä1\nlo"));
    const buffer = appendPart(first, part(first.to, "ng\nend"));

    expect(buffer.lines).toEqual([
      { at: 0, bytes: 3, text: "ä1" },
      { at: 4, bytes: 4, text: "long" },
      { at: 9, bytes: 3, text: "end" },
    ]);
    expect(buffer).toMatchObject({ from: 0, to: 12, firstNumber: 1, open: true });
  });

  it("begins a new line after a line feed", () => {
    const first = appendPart(createBuffer(0), part(0, "a\n"));

    expect(first.open).toBe(false);
    expect(texts(appendPart(first, part(2, "\nb")))).toEqual(["a", "", "b"]);
  });

  it("ignores a part that does not follow", () => {
    const buffer = appendPart(createBuffer(0), part(0, "a\n"));

    expect(appendPart(buffer, part(7, "z\n"))).toBe(buffer);
  });

  it("keeps 8 MiB, and counts the lines that it drops", () => {
    let buffer = createBuffer(0);
    for (let index = 0; index < 160; index += 1) {
      buffer = appendPart(buffer, part(buffer.to, `${"x".repeat(65_535)}\n`));
    }

    expect(buffer.to).toBe(160 * 65_536);
    expect(buffer.to - buffer.from).toBeLessThanOrEqual(8 * 1_048_576 + 65_536);
    expect(buffer.firstNumber).toBe(160 - buffer.lines.length + 1);
    expect(buffer.lines[0]?.at).toBe(buffer.from);
  });

  it("bounds a log of line feeds, and one of a single line", () => {
    let feeds = createBuffer(0);
    let single = createBuffer(0);
    for (let index = 0; index < 2; index += 1) feeds = appendPart(feeds, part(feeds.to, "\n".repeat(262_144)));
    for (let index = 0; index < 64; index += 1) single = appendPart(single, part(single.to, "y".repeat(262_144)));

    expect(feeds.lines.length).toBeLessThan(210_000);
    expect(single.lines).toHaveLength(1);
    expect(single.lines[0]).toMatchObject({ at: 0, bytes: 16 * 1_048_576 });
    expect(single.lines[0]?.text.length).toBe(MAX_LINE);
  });
});

describe("prependPart", () => {
  it("joins the line that begins in the part before, and knows numbers from the beginning on", () => {
    const tail = appendPart(createBuffer(6), part(6, "rd\nlast\n"));
    const buffer = prependPart(tail, part(0, "a\nthi"));

    expect(tail.firstNumber).toBeUndefined();
    expect(buffer).toMatchObject({ from: 6 });
    const whole = prependPart(tail, part(0, "a\nthi\n".slice(0, 6)));
    expect(whole).toMatchObject({ from: 0, firstNumber: 1 });
    expect(texts(whole)).toEqual(["a", "thi", "rd", "last"]);
    expect(texts(prependPart(tail, part(0, "a\nbird")))).toEqual(["a", "birdrd", "last"]);
  });

  it("keeps 8 MiB, and drops lines at the end, which come again", () => {
    const line = `${"x".repeat(65_535)}\n`;
    let buffer = createBuffer(160 * 65_536);
    for (let index = 159; index >= 0; index -= 1) buffer = prependPart(buffer, part(index * 65_536, line));

    expect(buffer).toMatchObject({ from: 0, to: buffer.lines.length * 65_536, firstNumber: 1, open: false });
    expect(buffer.lines.length * 65_535).toBeLessThanOrEqual(8 * 1_048_576);
    expect(buffer.lines.length).toBeGreaterThan(120);
    expect(appendPart(buffer, part(buffer.to, line)).to).toBe(buffer.to + 65_536);
  });
});

it("is the same buffer, whether its parts come after or before each other, or as one", () => {
  const text = `${"a".repeat(70)}\n\nb\n${"c".repeat(90)}\nend`;
  const whole = appendPart(createBuffer(0), part(0, text));

  for (let cut = 1; cut < text.length; cut += 1) {
    const [before, after] = [part(0, text.slice(0, cut)), part(cut, text.slice(cut))];

    expect(appendPart(appendPart(createBuffer(0), before), after), `${cut}`).toEqual(whole);
    expect(prependPart(appendPart(createBuffer(cut), after), before), `${cut}`).toEqual(whole);
  }
});

describe("findLine", () => {
  const buffer = appendPart(createBuffer(10), part(10, "one\ntwo\nthree"));

  it.each([
    [9, -1],
    [10, 0],
    [13, 0],
    [14, 1],
    [18, 2],
    [22, 2],
    [23, -1],
  ])("finds the line of byte %i", (at, index) => {
    expect(findLine(buffer, at)).toBe(index);
  });
});

describe("byteLength", () => {
  it.each(["", "abc", "äöü", "東京", "😀x", "\ud800a", "a\udc00", "\ud83d\ude00\ud83d"])(
    "counts %j as UTF-8",
    (text) => {
      expect(byteLength(text)).toBe(new TextEncoder().encode(text).length);
    },
  );
});
