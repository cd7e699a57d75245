import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

function linesOf(file: string): readonly string[] {
  return readFileSync(join(import.meta.dirname, file), "utf8")
    .trimEnd()
    .split("\n");
}

it("publishes the scripts as they lie here; -u writes them anew", async () => {
  const scripts = { sh: linesOf("apply-artifact.sh"), ps1: linesOf("apply-artifact.ps1") };

  await expect(`${JSON.stringify(scripts, null, 2)}\n`).toMatchFileSnapshot("generated/scripts.json");
});
