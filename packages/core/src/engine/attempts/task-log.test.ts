import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTaskLog } from "./attempt-result.ts";

describe("a task's log", () => {
  it("keeps lines in order and knows the newest", () => {
    const log = createTaskLog();

    log.add("one");
    log.add("two");

    expect(log.text()).toBe("one\ntwo");
    expect(log.last()).toBe("two");
  });

  it("is empty at first", () => {
    expect(createTaskLog().text()).toBe("");
    expect(createTaskLog().last()).toBeUndefined();
  });

  it.each(["zszz3/AgentRecall#497", "JuryBu/MCP-SKILL-RULES_packages#6"])(
    "Reported: %s: has no NUL and no half of a character, and splits none of a long line",
    () => {
      const seen: string[] = [];
      const log = createTaskLog("", (line) => void seen.push(line));
      for (const line of ["half \ud83d", "NUL \0", `${"x".repeat(8_190)}😀${"y".repeat(20_000)}`]) log.add(line);

      expect(log.text().split("\n")).toEqual(["half \ufffd", "NUL \ufffd", `${"x".repeat(8_190)}…`]);
      expect(seen.every((line) => line.isWellFormed())).toBe(true);
    },
  );

  it("lets the oldest lines go, says so, and never grows over 64 KiB", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40_000, size: "max" }), { minLength: 1, maxLength: 12 }), (lines) => {
        const log = createTaskLog();

        for (const line of lines) log.add(line);

        expect(Buffer.byteLength(log.text())).toBeLessThanOrEqual(65_536);
      }),
      { numRuns: 30 },
    );
  });

  it("continues an earlier log, whose lines do not count as its newest", () => {
    const earlier = createTaskLog();
    for (let line = 0; line < 5_000; line += 1) earlier.add(`line ${line} of a long output`);

    const log = createTaskLog(earlier.text());
    expect([log.text(), log.last()]).toEqual([earlier.text(), undefined]);
    log.add("more");

    expect(log.text().split("cut")).toHaveLength(2);
    expect(log.text().endsWith("line 4999 of a long output\nmore")).toBe(true);
    expect(log.last()).toBe("more");
  });

  it("says that its beginning was cut", () => {
    const log = createTaskLog();

    for (let line = 0; line < 5_000; line += 1) log.add(`line ${line} of a long output`);

    expect(log.text()).toMatch(/^… the beginning was cut …\nline \d+/);
    expect(log.text().endsWith("line 4999 of a long output")).toBe(true);
  });
});
