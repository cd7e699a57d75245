import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isStoppedByForm, tryEdit } from "./testing/try-edits.ts";

function listMachines(folder: string): readonly string[] {
  return readdirSync(join(import.meta.dirname, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(folder, name));
}

const machines = [
  "../../../../../examples/review-app/machines",
  "../../../../../examples/version-1/machines",
  "../../../../../examples/approval-gate/machines",
  "../../../../../examples/migrate-before-release/machines",
  "../../../../cli/template/machines",
  "../../../../core/fixtures/machines/valid",
  "../../../../core/fixtures/machines/valid-v2",
].flatMap(listMachines);

const EDITS = process.env["LONG_TESTS"] ? 500 : process.env["QUICK_TESTS"] ? 60 : 200;

describe("planEdit", () => {
  it("changes what an edit says, and no other byte, value or comment", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const tried = tryEdit(seed);

        expect(tried?.checked.kind === "fault" ? tried : undefined).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it("refuses at most one edit of twenty for how the text is written, in block style without anchors", () => {
    const tried = Array.from({ length: EDITS }, (_, seed) => tryEdit(seed)).filter((each) => each?.plain);
    const stopped = tried.filter((each) => each && isStoppedByForm(each));

    expect(stopped.length / tried.length).toBeLessThan(0.05);
  });

  it.each(machines)("edits %s", (file) => {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    const tried = Array.from({ length: 15 }, (_, seed) => tryEdit(seed, text));

    expect(tried.filter((each) => each?.checked.kind === "fault")).toEqual([]);
  });
});
