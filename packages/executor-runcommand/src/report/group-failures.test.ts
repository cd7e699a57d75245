import { describe, expect, it } from "vitest";
import { aFailure } from "../testing/a-report.ts";
import { groupFailures } from "./group-failures.ts";

describe("groupFailures", () => {
  it("puts failures together that differ in ids and numbers alone, the most frequent first", () => {
    const causes = groupFailures([
      aFailure(9, { code: "UNDELIVERABLE", stderrTail: "", responseCode: -1 }),
      aFailure(1),
      aFailure(22),
      aFailure(3, { responseCode: 4 }),
      aFailure(4, { stderrTail: "No space left on device" }),
    ]);

    expect(causes.map(({ code, responseCode, instanceIds }) => [code, responseCode, instanceIds.length])).toEqual([
      ["COMMAND_FAILED", 2, 2],
      ["UNDELIVERABLE", -1, 1],
      ["COMMAND_FAILED", 4, 1],
      ["COMMAND_FAILED", 2, 1],
    ]);
    expect(causes[0]?.example).toBe("fatal: [i-1]: UNREACHABLE! after 1 s");
  });

  it("takes the other stream where the error stream says nothing", () => {
    const [cause] = groupFailures([aFailure(1, { stderrTail: " \n", stdoutTail: "a\nb\n" })]);

    expect(cause?.example).toBe("b");
  });

  it("gives an example on one line that a terminal obeys in nothing", () => {
    const [cause] = groupFailures([aFailure(1, { stderrTail: `\u001b[2J${"x".repeat(999)}` })]);

    expect(cause?.example).toBe(`${"x".repeat(299)}…`);
  });
});
