import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachineDocument, toMachineSource } from "@stackyard/core/machine";
import { createServer } from "@stackyard/server";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const folder = join(root, "temp/readme");
const readme = readFileSync(join(root, "README.md"), "utf8");
const TOKEN = "a-token-of-the-tests";

interface Preview {
  readonly machine: unknown;
  launchPreview(url: string, token: string, number: number): Promise<string>;
}

beforeAll(() => {
  const [, text = ""] = /```ts\n(\/\/ file: preview\.ts\n[\s\S]*?)```/.exec(readme) ?? [];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "preview.ts"), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

it("shows a program in the README that launches and waits", async () => {
  const { machine: document, launchPreview }: Preview = await import(join(folder, "preview.ts"));
  const { machine } = parseMachineDocument(document, { name: "review-app" });
  if (machine === undefined) throw new Error("The machine of the README is invalid.");
  const locator = createStaticLocator([{ machine, source: toMachineSource(document) ?? "" }]);
  const deps = {
    store: createMemoryStore(),
    locator,
    executors: new Map(),
    clock: systemClock,
    ids: createUlids(),
    logger: silentLogger,
  };
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, tokens: [{ name: "tester", token: TOKEN }] });
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100 });

  const first = await launchPreview(url, TOKEN, 12);

  expect(first).toMatch(/^Waits for an event: DOWN\. DOWN is sent automatically in /);
  await server.stop();
  await yard.stop();
});
