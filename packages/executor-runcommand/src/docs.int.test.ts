import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toFlag } from "@stackyard/core";
import type { TObject } from "typebox";
import { describe, expect, it } from "vitest";
import { createFleetCommands } from "./commands/fleet-commands.ts";
import { formatRun } from "./commands/follow-fleet-run.ts";
import { CODES, explainCode } from "./report/to-fleet-report.ts";
import { toFleetTable } from "./report/to-fleet-table.ts";
import type { FleetInstanceReport } from "./report-page.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/fleet.md"), "utf8");
const startedAt = Date.UTC(2026, 10, 20, 18);
const runId = "run-0cc52bd92f8f1ec64f390c9af986e6be";

function anInstance(
  last: number,
  seconds: number | undefined,
  facts: Partial<FleetInstanceReport>,
): FleetInstanceReport {
  const took = seconds === undefined ? {} : { startedAt, endedAt: startedAt + seconds * 1_000 };
  return { instanceId: `i-0a1b2c3d4e5f6000${last}`, state: "succeeded", roles: ["webserver"], ...took, ...facts };
}

const instances = [
  anInstance(1, 48, {
    state: "failed",
    code: "COMMAND_FAILED",
    responseCode: 2,
    roles: ["webserver", "appserver"],
    stderrTail: "fatal: [localhost]: FAILED! => No space left on device\n",
  }),
  anInstance(2, 62, {}),
  anInstance(3, 58, {}),
  anInstance(4, 192, { state: "failed", code: "DELIVERY_TIMEOUT", responseCode: -1, roles: ["dbserver"] }),
  anInstance(5, undefined, { state: "skipped", code: "TAG_VALUE", roles: [] }),
];

describe("docs/fleet.md", () => {
  it("shows what a run prints", () => {
    const counts = { selected: 4, succeeded: 2, failed: 2, running: 0, skipped: 1, notSent: 0 };
    const artifact = { bucket: "my-artifacts", key: "site/app.zip" };
    const facts = { counts, artifact, source: "command", startedAt, endedAt: startedAt + 252_000 };
    const message = "2 of 4 instances failed (1 × COMMAND_FAILED, 1 × DELIVERY_TIMEOUT).";
    const error = { code: "COMMAND_FAILED", message };
    const run = { jobId: runId, state: "failed", executor: "runcommand", config: {}, startedAt: "", error } as const;

    const printed = `${formatRun(run)}\n\n${toFleetTable([{ runId, instances, ...facts }])}`;

    expect(page).toContain(`\`\`\`text\n${printed}\n\`\`\`\n`);
  });

  it("explains each code as reports do (update it with `npm run generate`)", async () => {
    const rows = CODES.map((code) => `| \`${code}\` | ${explainCode(code)?.meaning} | ${explainCode(code)?.advice} |`);
    const table = ["| code | means | what to do |", "|---|---|---|", ...rows].join("\n");
    const parts = /(<!-- begin codes: .*? -->\n\n).*(\n\n<!-- end codes -->)/s;

    expect(page).toMatch(parts);
    await expect(page.replace(parts, (_, begin: string, end: string) => begin + table + end)).toMatchFileSnapshot(
      "../../../docs/fleet.md",
    );
  });

  it("types commands and flags that are there", () => {
    const commands = createFleetCommands(() => {
      throw new Error("Nothing is called here.");
    });
    const typed = [...page.matchAll(/^stackyard (fleet \w+)(.*)$/gm)];

    expect(typed.length).toBeGreaterThan(5);
    for (const [line, name, rest = ""] of typed) {
      const { args } = commands.find((each) => each.name === name) ?? {};
      const known = Object.keys((args as TObject | undefined)?.properties ?? {}).map(toFlag);
      expect(known, line).toEqual(
        expect.arrayContaining([...rest.matchAll(/ (--[a-z0-9-]+)/g)].map(([, flag]) => flag)),
      );
    }
    expect(commands.filter(({ name }) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });
});
