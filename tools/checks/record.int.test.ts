import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPasses } from "./passes.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "passes-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the record of passes", () => {
  it("knows what has passed, also in the next run", () => {
    const file = join(folder, "cache/passes.json");
    openPasses(file).add(["a", "b"]);
    openPasses(file).add(["c"]);

    const passes = openPasses(file);

    expect(["a", "b", "c", "d"].filter((key) => passes.has(key))).toEqual(["a", "b", "c"]);
  });

  it("is empty when it is damaged", () => {
    const file = join(folder, "passes.json");
    writeFileSync(file, `{"a":`);

    expect(openPasses(file).has("a")).toBe(false);
  });
});
