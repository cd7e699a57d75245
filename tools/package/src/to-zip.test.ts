import { unzipSync } from "fflate";
import { expect, it } from "vitest";
import { toZip } from "./to-zip.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

it("is the same for the same files, whatever their order and the time zone", () => {
  const zone = process.env["TZ"];
  const one = toZip(
    new Map([
      ["index.mjs", bytes("a")],
      ["src/index.mjs", bytes("b")],
    ]),
  );
  process.env["TZ"] = "Pacific/Auckland";
  const other = toZip(
    new Map([
      ["src/index.mjs", bytes("b")],
      ["index.mjs", bytes("a")],
    ]),
  );
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;

  expect(Buffer.from(other)).toEqual(Buffer.from(one));
});

it("gives back what went in, sorted", () => {
  const files = unzipSync(
    toZip(
      new Map([
        ["z", bytes("1".repeat(1_000))],
        ["a/b.mjs", bytes("é")],
        ["empty", bytes("")],
      ]),
    ),
  );

  expect(Object.keys(files)).toEqual(["a/b.mjs", "empty", "z"]);
  expect(Object.values(files).map((file) => file.length)).toEqual([2, 0, 1_000]);
});

it("lets everybody read and says that a Unix made it", () => {
  const zip = Buffer.from(toZip(new Map([["a", bytes("x")]])));
  const header = zip.indexOf("PK\u0001\u0002", 0, "latin1");

  expect(zip.readUInt8(header + 5)).toBe(3);
  expect((zip.readUInt32LE(header + 38) >>> 16).toString(8)).toBe("100644");
  // 1 January 1980, midnight.
  expect([zip.readUInt16LE(header + 12), zip.readUInt16LE(header + 14)]).toEqual([0, 0b100001]);
});

it.each(["../x", "/x", "a//b", "a\\b", "", "12", "a/../b", ".env"])("refuses the path %j", (path) => {
  expect(() => toZip(new Map([[path, bytes("x")]]))).toThrow("not a valid path");
});
