import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VARIABLES } from "./parse-settings.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("has every variable", () => {
    const rows = Object.entries(VARIABLES).map(([name, { meaning }]) => `| \`${name}\` | ${meaning} |`);

    expect(readme).toContain(["| variable | meaning |", "|---|---|", ...rows].join("\n"));
  });

  it("has two policies that are JSON; e2e holds them against the calls", () => {
    const policies = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = ""]) => JSON.parse(json));

    expect(policies.map(({ Statement }) => Statement.map(({ Sid }: { Sid: string }) => Sid))).toEqual([
      ["SeeWhatIsMissing", "Read", "WriteLocksAndHalts", "Items", "TakeRole"],
      expect.arrayContaining(["ValidateResources", "Deploy", "CheckHealthy", "Detach", "CleanUp"]),
    ]);
  });
});
