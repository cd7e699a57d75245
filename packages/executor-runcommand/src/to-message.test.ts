import { describe, expect, it } from "vitest";
import { toTally } from "./tally.ts";
import { aMember, anId } from "./testing/a-run.ts";
import { toFailureLines, toMessage } from "./to-message.ts";

const failure = { state: "failed", code: "COMMAND_FAILED" } as const;

describe("toMessage", () => {
  it("says where a run stands", () => {
    const tally = toTally([
      aMember(1, { state: "succeeded" }),
      aMember(2, failure),
      aMember(3, { state: "running" }),
      aMember(4),
    ]);

    expect(toMessage(tally)).toBe("2 of 4 instances done: 1 succeeded, 1 failed, 1 running, 1 waiting.");
  });
});

describe("toFailureLines", () => {
  it("shows the code, the exit code and the last words", () => {
    const lines = toFailureLines([
      aMember(1, { ...failure, responseCode: 2, stdoutTail: "out", stderrTail: "a\nfatal: boom\n" }),
      aMember(2, { state: "failed", code: "UNDELIVERABLE", responseCode: -1 }),
      aMember(3, { state: "succeeded" }),
    ]);

    expect(lines).toEqual([`${anId(1)}: COMMAND_FAILED, exit code 2: fatal: boom`, `${anId(2)}: UNDELIVERABLE`]);
  });

  it("does not flood the log", () => {
    const lines = toFailureLines(Array.from({ length: 33 }, (_, number) => aMember(number, failure)));

    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("… and 13 more failed; the report has them all.");
  });
});
