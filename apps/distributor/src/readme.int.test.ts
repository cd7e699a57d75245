import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VARIABLES } from "./distributor-variables.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("has every variable", () => {
    const rows = Object.entries(VARIABLES).map(([name, { meaning }]) => `| \`${name}\` | ${meaning} |`);

    expect(readme).toContain(["| variable | meaning |", "|---|---|", ...rows].join("\n"));
  });

  it("has a policy that is JSON; e2e holds it against the calls", () => {
    const [, json = ""] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
    const sids = JSON.parse(json).Statement.map(({ Sid }: { readonly Sid: string }) => Sid);

    expect(sids).toEqual([
      ...["SeeWhatIsMissing", "Artifacts", "Remove", "Records", "Announce", "Tell", "Fill", "Sign"],
    ]);
  });
});
