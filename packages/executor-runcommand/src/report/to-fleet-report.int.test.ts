import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { explainSaid } from "./to-fleet-report.ts";

describe("explainSaid", () => {
  it("knows what to do about what our script says", () => {
    expect(explainSaid("stackyard: ENTRY_POINT_MISSING: the artifact has no file x.")?.advice).toMatch(
      /into the artifact/,
    );
  });

  it.each([undefined, "", "fatal: stackyard: ALREADY_RUNNING: x", "stackyard: OTHER: x", "stackyard: __proto__: x"])(
    "says nothing about %s",
    (line) => {
      expect(explainSaid(line)).toBeUndefined();
    },
  );

  it("knows every code of the script", () => {
    const script = readFileSync(join(import.meta.dirname, "../document/apply-artifact.sh"), "utf8");
    const codes = [...script.matchAll(/\bfail \d+ ([A-Z_]+) /g)].map(([, code]) => code);

    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => explainSaid(`stackyard: ${code}: x`) === undefined)).toEqual([]);
  });
});
