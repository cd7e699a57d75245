import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { describe, expect, it } from "vitest";
import { Variables } from "./settings.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("has every variable", () => {
    expect(readme).toContain(formatVariableTable(Variables));
  });

  it("has two policies that are JSON; e2e holds them against the calls", () => {
    const policies = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = ""]) => JSON.parse(json));

    expect(policies.map(({ Statement }) => Statement.map(({ Sid }: { Sid: string }) => Sid))).toEqual([
      ["SeeWhatIsMissing", "Read", "WriteLocksAndHalts", "Items", "TakeRole"],
      expect.arrayContaining(["ValidateResources", "Deploy", "CheckHealthy", "Detach", "CleanUp"]),
    ]);
  });
});
