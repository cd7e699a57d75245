import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { findDocs } from "./find-docs.ts";

const project = mkdtempSync(join(tmpdir(), "stackyard-find-docs-"));
afterAll(() => rmSync(project, { recursive: true }));

it("finds the documentation that a project has installed, and whose pages are there", () => {
  const installed = join(project, "node_modules/@stackyard/docs");
  expect(findDocs(project)).toBeUndefined();

  mkdirSync(join(installed, "dist"), { recursive: true });
  writeFileSync(join(installed, "package.json"), '{ "name": "@stackyard/docs" }');
  expect(findDocs(project)).toBeUndefined();

  writeFileSync(join(installed, "dist/index.html"), "");
  expect(findDocs(project)).toBe(join(installed, "dist"));
});
