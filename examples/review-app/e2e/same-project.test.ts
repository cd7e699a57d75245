import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { reviewApp } from "../demo/review-app-events.ts";
import { stackyardProgram } from "../demo/stackyard-program.ts";

const example = fileURLToPath(new URL("../", import.meta.url));
const init = join(mkdtempSync(join(tmpdir(), "stackyard-init-")), "review-app");
execFileSync(process.execPath, [stackyardProgram(), "init", init]);
// The example has a manifest of its own, for the demo; the repository ignores files for it.
const OWN = new Set(["package.json", ".gitignore"]);

const files = readdirSync(init, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !OWN.has(entry.name))
  .map((entry) => join(entry.parentPath, entry.name).slice(init.length + 1));

describe("the example", () => {
  it.each(files)("has %s as `stackyard init` writes it", (file) => {
    expect(readFileSync(join(example, file), "utf8")).toBe(readFileSync(join(init, file), "utf8"));
  });

  it.each(["machines/review-app.yaml", "demo/machines/database-only.yaml"])("sends only events of %s", (file) => {
    const { machine } = parseMachine(readFileSync(join(example, file), "utf8"), { name: "any" });

    expect([...(machine?.events ?? [])]).toEqual(reviewApp.document.events);
  });
});
