import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolder } from "./make-folder.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "make-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

describe("makeFolder", () => {
  it("makes a folder and all above it that are missing, also twice", async () => {
    const folder = join(root, "a/b/c");

    await makeFolder(folder);
    await makeFolder(folder);

    expect(statSync(folder).isDirectory()).toBe(true);
  });

  it("fails where a file has the name, and below a file", async () => {
    writeFileSync(join(root, "file"), "");

    await expect(makeFolder(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeFolder(join(root, "file/a"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it.runIf(process.platform === "linux")("fails in a place that takes no folders", async () => {
    await expect(makeFolder("/proc/stackyard/a")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
