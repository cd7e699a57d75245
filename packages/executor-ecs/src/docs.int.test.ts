import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatRun } from "./commands/ecs-commands.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/ecs.md"), "utf8");

describe("docs/ecs.md", () => {
  it("shows what a job prints at its end", () => {
    const jobId = "run-0cc52bd92f8f1ec64f390c9af986e6be";
    const outputs = { taskArns: "[]", exitCode: 0, startedAt: "2026-11-20T18:00:04.000Z", duration: 12.4 };
    const job = { jobId, state: "succeeded", executor: "ecs", config: {}, startedAt: "", outputs } as const;

    expect(page).toContain(`\n\n${formatRun(job)}\n\`\`\`\n`);
  });
});
