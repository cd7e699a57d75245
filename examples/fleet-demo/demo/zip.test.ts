import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fromZip, toZip } from "./zip.ts";

const files = { "a.txt": "hello", "ansible/ünder/b.yml": "- x\n", empty: "" };

describe("zip", () => {
  it("gives back what was put in", () => {
    expect(fromZip(toZip(files))).toEqual(files);
  });

  it("reads deflated files", () => {
    const deflated = deflateRawSync("hello");
    const stored = toZip({ "a.txt": "x".repeat(deflated.length) });
    deflated.copy(stored, stored.indexOf("x".repeat(deflated.length)));
    stored.writeUInt16LE(8, stored.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 10);

    expect(fromZip(stored)).toEqual({ "a.txt": "hello" });
  });

  it("recognizes files that are not zip files", () => {
    expect(() => fromZip(Buffer.from("x"))).toThrow("not a zip");
  });
});
