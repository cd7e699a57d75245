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

  it("has a policy that is JSON; e2e holds it against the calls", () => {
    const [, json = ""] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
    const sids = JSON.parse(json).Statement.map(({ Sid }: { readonly Sid: string }) => Sid);

    expect(sids).toEqual([
      ...["SeeWhatIsMissing", "Artifacts", "Remove", "Records", "Announce", "LetOut", "FindMembers", "Tell", "Fill"],
      "Sign",
    ]);
  });
});
