import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

it("measures the bundles and counts the billed requests of the functions", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-aws-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [json, page] = [join(folder, "figures.json"), join(folder, "page.md")];
  writeFileSync(page, "<!-- begin aws: written by the benchmark -->\n<!-- end aws -->\n");

  await promisify(execFile)(process.execPath, [main, "--aws", "--quick", "--json", json, "--page", page]);

  const { bundles, costs } = JSON.parse(readFileSync(json, "utf8"));
  expect(bundles[0]).toMatchObject({ app: "state-manager", bytes: expect.any(Number), importMs: expect.any(Number) });
  // Without the SDK, and without what is read on demand (a store, sealing, exporters). Half of it is what a machine needs before
  // its first event: patterns without backtracking (150 kB), schemas, YAML and CEL. The rest is ours. The room of 10 % is for
  // changes; a library more must be seen here.
  expect(bundles[0].firstBytes).toBeLessThan(1_160_000);
  expect(costs).toMatchObject([{ transitions: 20 }, { transitions: 20 }]);
  // A stack's item is written once for each of its events.
  expect(costs[0].units["DynamoDB write units"]).toBeGreaterThanOrEqual(20);
  expect(readFileSync(page, "utf8")).toContain("| total |");
});
