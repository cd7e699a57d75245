import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../../..");
const GATE =
  "tasks.plan.outputs.destroys + tasks.plan.outputs.forgets + tasks.plan.outputs.imports + tasks.plan.outputs.vanished == 0";

/** Texts with machines, except generated ones. */
const PLACES = [
  "docs/*.md",
  "packages/*/README.md",
  "examples/*/machines/*.yaml",
  "packages/cli/template*/machines/*.yaml",
];

describe("the gates of plans in pages, examples and templates", () => {
  it("let pass what destroys, forgets, imports and misses nothing", () => {
    const texts = PLACES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).map((path) => ({
      path,
      text: readFileSync(join(ROOT, path), "utf8").replace(/\s+/g, " "),
    }));
    const gated = texts.filter(({ text }) => /outputs\.destroys\b.{0,200}== 0/.test(text));

    expect(gated.length).toBeGreaterThan(2);
    for (const { path, text } of gated) expect(text, path).toContain(GATE);
  });
});
