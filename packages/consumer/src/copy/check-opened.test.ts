import { describe, expect, it } from "vitest";
import { inChunks } from "../testing/a-copier.ts";
import type { OpenedFile } from "./artifact-source.ts";
import { checkOpened } from "./check-opened.ts";

const PART = { from: 10, to: 19 };

function check(
  over: Partial<OpenedFile>,
  size: number | undefined,
  range?: { readonly from: number; readonly to: number },
): boolean {
  const opened = { body: inChunks(Buffer.alloc(0)), cancel: () => undefined, ...over };
  try {
    checkOpened(opened, size, range);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ fault: { kind: "counted", code: "SIZE_MISMATCH" } });
    return false;
  }
}

describe("checkOpened", () => {
  it.each<[string, boolean]>([
    ["a whole file", check({ length: 100 }, 100)],
    ["a whole file of which no length is said", check({}, 100)],
    ["a part", check({ length: 10, range: { ...PART, size: 100 } }, 100, PART)],
    ["a part of nobody knows how many bytes", check({ range: PART }, 100, PART)],
    ["a file of which nobody has named a size", check({ length: 100 }, undefined)],
    ["all of a file as a part that nobody asked for", check({ range: { from: 0, to: 99, size: 100 } }, undefined)],
    ["the whole where the part is all of it", check({ length: 100 }, 100, { from: 0, to: 99 })],
  ])("takes %s", (_what, isTaken) => expect(isTaken).toBe(true));

  it.each<[string, boolean]>([
    ["a shorter file", check({ length: 99 }, 100)],
    ["a longer file", check({ length: 101 }, 100)],
    ["the whole instead of a part", check({}, 100, PART)],
    ["another part", check({ range: { from: 0, to: 9 } }, 100, PART)],
    ["a part that ends elsewhere", check({ range: { from: 10, to: 18 } }, 100, PART)],
    ["a part of another length", check({ length: 9, range: PART }, 100, PART)],
    ["the beginning where the whole was asked for", check({ range: { from: 0, to: 9, size: 100 } }, undefined)],
    ["a part of nobody knows how many where the whole was", check({ range: { from: 0, to: 99 } }, undefined)],
    ["the end where the whole was asked for", check({ length: 100, range: { from: 1, to: 100, size: 101 } }, 100)],
    ["a part of another file", check({ range: { ...PART, size: 101 } }, 100, PART)],
  ])("refuses %s", (_what, isTaken) => expect(isTaken).toBe(false));
});
