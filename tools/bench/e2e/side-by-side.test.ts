import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const only = "stackyard-grouped";

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bench-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function bench(...args: string[]): Promise<string> {
  // Whose functions are not there.
  const env = { ...process.env, ABSURD_SQL: "" };
  const { stdout } = await promisify(execFile)(process.execPath, [main, "--quick", ...args], { env });
  return stdout;
}

it("measures rates and latencies on a server of its own, and writes them to the page", async () => {
  const folder = createFolder();
  const [json, page] = [join(folder, "figures.json"), join(folder, "page.md")];
  writeFileSync(page, "<!-- begin side by side: written by the benchmark -->\n<!-- end side by side -->\n");

  const shown = await bench("--side-by-side", "--only", only, "--json", json, "--page", page);

  const { drains, summary } = JSON.parse(readFileSync(json, "utf8"));
  expect(drains).toMatchObject([{ contender: only, jobs: 1_000 }]);
  // At least the stack, its history, the event and the attempt of each job.
  expect(drains[0].database.rowsWritten).toBeGreaterThanOrEqual(4_000);
  expect(summary.latencies).toHaveLength(2);
  expect(shown).toContain("Throughput, grouped: medians of 1 rounds");
  expect(readFileSync(page, "utf8")).toContain("| Stackyard |");
});

it("measures growth", async () => {
  const json = join(createFolder(), "figures.json");

  await bench("--growth", "--only", only, "--json", json);

  expect(JSON.parse(readFileSync(json, "utf8")).growth).toMatchObject([
    { contender: only, rows: 100 },
    { contender: only, rows: 1_000 },
  ]);
});

it("measures durable engines, and leaves out one that cannot be started", async () => {
  const json = join(createFolder(), "figures.json");

  await bench("--engines", "--only", "stackyard-chain-max,dbos-once-10,absurd-chain-10", "--json", json);

  const { figures } = JSON.parse(readFileSync(json, "utf8"));
  expect(figures.map(({ engine }: { engine: string }) => engine)).toEqual(["stackyard-chain-max", "dbos-once-10"]);
  for (const { logBytes, keptBytes } of figures) expect(Math.min(logBytes, keptBytes)).toBeGreaterThan(500);
});
