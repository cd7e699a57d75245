import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadMappings } from "./load-mappings.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-mappings-"));
  folder = join(root, "rules");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

describe("loadMappings", () => {
  it("names faults by the folder of the options", async () => {
    writeFileSync(join(folder, "shop.yaml"), "");

    await expect(loadMappings(folder)).rejects.toThrow("rules/shop.yaml:1:1 The document must be a map.");
  });

  it("names a document that cannot be read", async () => {
    mkdirSync(join(folder, "shop.yaml"));

    await expect(loadMappings(folder)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: "The mapping document rules/shop.yaml cannot be read.",
    });
  });
});
