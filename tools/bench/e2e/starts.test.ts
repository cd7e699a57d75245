import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

async function measure(what: string) {
  const folder = mkdtempSync(join(tmpdir(), "bench-starts-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const json = join(folder, "figures.json");
  await promisify(execFile)(process.execPath, [main, what, "--quick", "--json", json]);
  return JSON.parse(readFileSync(json, "utf8"));
}

it("measures starts of the built command line, which load no more than they need", async () => {
  const { starts } = await measure("--starts");
  const ratios = new Map(starts.map(({ program, ratio }: { program: string; ratio: number }) => [program, ratio]));

  expect(ratios.get("node -e 0")).toBe(1);
  // 1.7, 2.4 and 5.1 in November 2026; 13 for `validate` when it read 143 files.
  expect(ratios.get("stackyard --version")).toBeLessThan(4);
  expect(ratios.get("stackyard --help")).toBeLessThan(5);
  expect(ratios.get("stackyard validate")).toBeLessThan(9);
});

it("measures environments of a server compared with the programs alone", async () => {
  const { batches } = await measure("--environments");

  expect(batches).toMatchObject([
    { who: "xargs", count: 4, ratio: 1, cpuRatio: 1 },
    { who: "stackyard dev, warm", count: 4, ownCpuMs: expect.any(Number) },
  ]);
});
