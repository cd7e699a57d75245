import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { toTar } from "./to-tar.ts";

const temp = mkdtempSync(join(tmpdir(), "stackyard-tar-"));
afterAll(() => rmSync(temp, { recursive: true, force: true }));

it("is what tar unpacks, with contents of every length and the same mode", () => {
  const lengths = [0, 1, 511, 512, 513, 100_000];
  const files = new Map(lengths.map((length) => [`a-1/b/${length}.tgz`, Buffer.alloc(length, "x")]));
  writeFileSync(join(temp, "a.tar"), toTar(files));

  execFileSync("tar", ["-xf", "a.tar"], { cwd: temp });

  for (const [path, content] of files) {
    expect(readFileSync(join(temp, path)).equals(content), path).toBe(true);
    expect(statSync(join(temp, path)).mode & 0o777).toBe(0o644);
  }
});

it("has paths of up to 255 bytes, as packages in packages have", () => {
  const path = `${"a".repeat(99)}/${"@b".repeat(20)}/${"c".repeat(100)}`;
  writeFileSync(join(temp, "long.tar"), toTar(new Map([[path, Buffer.from("x")]])));

  execFileSync("tar", ["-xf", "long.tar"], { cwd: temp });

  expect(readFileSync(join(temp, path), "utf8")).toBe("x");
});

it("has the same bytes whatever the order of the files", () => {
  const files: [string, Buffer][] = [
    ["b", Buffer.from("2")],
    ["a", Buffer.from("1")],
  ];

  expect(toTar(new Map(files))).toEqual(toTar(new Map(files.toReversed())));
});

it.each(["../a", "/a", "a/../b", "a\\b", "", "a".repeat(101)])("refuses the path %j", (path) => {
  expect(() => toTar(new Map([[path, Buffer.from("")]]))).toThrow("is not a valid path");
});
