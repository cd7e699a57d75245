import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { measureBundle, measureImportMs } from "./bundles.ts";

it("adds up the modules of a folder, and those that are imported at once", () => {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string, size: number) => writeFileSync(join(folder, name), text.padEnd(size));
  write("index.mjs", 'import{a}from"./used.mjs";import"./plain.mjs";const b=()=>import("./late.mjs");', 4_000);
  write("used.mjs", 'export{c}from"./deep.mjs";', 1_000);
  for (const name of ["plain.mjs", "late.mjs", "deep.mjs"]) write(name, 'import"node:fs";', 100);
  writeFileSync(join(folder, "index.mjs.map"), "z".repeat(9_000));

  const { zippedBytes, ...figures } = measureBundle("state-manager", folder);

  expect(figures).toEqual({ app: "state-manager", files: 5, bytes: 5_300, firstBytes: 5_200 });
  expect(zippedBytes).toBeLessThan(700);
});

it("measures the import of a module in fresh processes", () => {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "index.mjs");
  writeFileSync(file, "await new Promise((resolve) => setTimeout(resolve, Number(process.env.WAIT_MS)));");

  expect(measureImportMs(file, 2, { WAIT_MS: "60" })).toBeGreaterThanOrEqual(55);
});
