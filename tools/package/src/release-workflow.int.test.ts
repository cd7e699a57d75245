import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";

const folder = join(import.meta.dirname, "../../../.github/workflows");
const workflow = parse(readFileSync(join(folder, "release.yml"), "utf8"));
const steps: readonly { uses?: string; run?: string }[] = [
  ...workflow.jobs.build.steps,
  ...workflow.jobs.publish.steps,
];

it("pins every action to a commit", () => {
  const actions = steps.flatMap(({ uses }) => uses ?? []);

  expect(actions.length).toBeGreaterThan(3);
  for (const action of actions) expect(action).toMatch(/^[a-z-]+\/[a-z-]+@[0-9a-f]{40}$/);
});

it("lets no job do more than it has to", () => {
  expect(workflow.permissions).toEqual({});
  expect(workflow.jobs.build.permissions).toEqual({ contents: "read", "id-token": "write", attestations: "write" });
  expect(workflow.jobs.publish.permissions).toEqual({ contents: "write" });
});

it("puts nothing of the event into a script", () => {
  for (const { run = "" } of steps) expect(run).not.toContain("${{");
});

it("attests what the sums name", () => {
  const attest = workflow.jobs.build.steps.find(({ uses = "" }) => uses.startsWith("actions/attest-build-provenance@"));

  expect(attest.with).toEqual({ "subject-checksums": "dist/release/SHA256SUMS" });
});
