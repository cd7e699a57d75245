import { describe, expect, it } from "vitest";
import { type Finding, fail, look, ok, reportFindings, warn } from "./finding.ts";

function print(findings: readonly Finding[]) {
  const texts: string[] = [];
  const values: unknown[] = [];
  const result = (value: unknown, toText: () => string) => {
    values.push(value);
    texts.push(toText());
  };
  const code = reportFindings(findings, { result }, (text, status) => `<${status}>${text}`);
  return { code, texts, values };
}

describe("reportFindings", () => {
  it("prints a row for each finding with its remedy below it, and gives the findings as they are to programs", () => {
    const findings = [ok("node", "24.21.0"), warn("provider cache", "Not there.", "Make it.")];

    expect(print(findings)).toEqual({
      code: 0,
      texts: [
        "<ok>ok    node            24.21.0",
        "<warn>warn  provider cache  Not there.\n                      <hint>Make it.",
      ],
      values: findings,
    });
  });

  it("exits with 1 if one has failed, also among others", () => {
    expect(print([fail("store", "Gone.", "Restore it."), ok("node", "24")]).code).toBe(1);
  });
});

describe("look", () => {
  it("turns what a check throws into a failure with its remedy", async () => {
    const found = await look("logs", "Correct `logs`.", async () => {
      throw new Error("The bucket is gone.");
    });

    expect(found).toEqual([fail("logs", "The bucket is gone.", "Correct `logs`.")]);
  });
});
