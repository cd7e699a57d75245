import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isStoppedByForm, tryEdit, tryStep } from "./testing/try-edits.ts";

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

const EDITS = process.env["LONG_TESTS"] ? 500 : process.env["QUICK_TESTS"] ? 60 : 120;
const seeds = Array.from({ length: EDITS }, (_, seed) => seed);

describe("planEdit", () => {
  it("changes what an edit says, and no other value or comment; at most one of twenty is refused for how a plain text is written", () => {
    const tried = seeds.map((seed) => tryEdit(seed));
    const plain = tried.filter((each) => each?.plain);
    const stopped = plain.filter((each) => each && isStoppedByForm(each));

    expect(tried.filter((each) => each?.checked.kind === "fault")).toEqual([]);
    expect(stopped.length / plain.length).toBeLessThan(0.05);
  }, 120_000);

  it("changes no byte outside of what a step concerns, and leaves comments with their lines", () => {
    const tried = seeds.slice(0, 80).map((seed) => tryStep(seed));

    expect(tried.filter((each) => each?.checked.kind === "fault")).toEqual([]);
  }, 120_000);

  it.each(machines)("edits %s", (file) => {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    const tried = seeds.slice(0, 8).flatMap((seed) => [tryEdit(seed, text), tryStep(seed, text)]);

    expect(tried.filter((each) => each?.checked.kind === "fault")).toEqual([]);
  });
});
