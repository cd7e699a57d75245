import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineSink, createOutputLines } from "./output-lines.ts";

function linesOf(chunks: readonly Buffer[]): string[] {
  const given: string[] = [];
  const lines = createOutputLines((line) => given.push(line));
  for (const chunk of chunks) lines.write(chunk);
  lines.end();
  return given;
}

describe("createOutputLines", () => {
  it("joins what chunks cut, characters included", () => {
    const bytes = Buffer.from("größe\r\n\nzwei\nlast");

    expect(linesOf([bytes.subarray(0, 3), bytes.subarray(3, 9), bytes.subarray(9)])).toEqual(["größe", "zwei", "last"]);
  });

  it("gives the same lines however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 7 }), (texts, size) => {
        const bytes = Buffer.from(texts.join("\n"));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        expect(linesOf(chunks)).toEqual(linesOf([bytes]));
      }),
    );
  });

  it("cuts a line that has no end", () => {
    const chunk = Buffer.alloc(1_000_000, "x");
    const [line = ""] = linesOf([chunk, chunk]);

    expect(line).toHaveLength(4_000);
  });
});

describe("createLineSink", () => {
  it("passes 2,000 lines, counts the rest and ends with the last 20", () => {
    const given: string[] = [];
    const sink = createLineSink((line) => given.push(line));
    for (let index = 1; index <= 2_100; index++) sink.line(`line ${index}`);

    sink.end();

    expect(given).toHaveLength(2_021);
    expect(given[2_000]).toBe("… 80 lines of output left out …");
    expect(given.slice(-2)).toEqual(["line 2099", "line 2100"]);
  });

  it.each([0, 3, 2_000])("holds nothing back of %i lines", (count) => {
    const given: string[] = [];
    const sink = createLineSink((line) => given.push(line));
    for (let index = 1; index <= count; index++) sink.line(`line ${index}`);

    sink.end();

    expect(given).toHaveLength(count);
  });

  it("gives each of few lines over the limit once", () => {
    const given: string[] = [];
    const sink = createLineSink((line) => given.push(line));
    for (let index = 1; index <= 2_003; index++) sink.line(`line ${index}`);

    sink.end();

    expect(given.slice(-4)).toEqual(["line 2000", "line 2001", "line 2002", "line 2003"]);
  });
});
