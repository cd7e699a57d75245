import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";

const root = join(import.meta.dirname, "..");
const folder = join(root, "temp/readme");

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it("shows a machine in the README that is tried as it says", async () => {
  const [, text = ""] =
    /```ts\n(import \{ createSimulation[\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "try.ts"), text);
  const log = vi.spyOn(console, "log").mockImplementation(() => {});

  await import(join(folder, "try.ts"));

  expect(log.mock.calls).toEqual([["BUILD", ["deploy"]], ["removed"]]);
});
