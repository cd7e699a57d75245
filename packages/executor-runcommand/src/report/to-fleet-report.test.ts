import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toInstanceState } from "../instance-state.ts";
import { inventory } from "../select-instances.ts";
import { aFailure, anInstance, aPage, WHOLE_RUN } from "../testing/a-report.ts";
import {
  explainCode,
  findLastLine,
  formatVerdict,
  groupFailures,
  standingOf,
  toCell,
  toCleanText,
  toFleetReport,
  toInstant,
  toLength,
} from "./to-fleet-report.ts";

describe("toFleetReport", () => {
  it("puts the pages together, failing instances first", () => {
    const { endedAt: _, ...running } = WHOLE_RUN;
    const report = toFleetReport([
      aPage([anInstance(1), anInstance(9, { state: "skipped", code: "TAG_VALUE", roles: [] })], running),
      aPage([
        anInstance(2, { state: "not-sent" }),
        anInstance(3, { state: "running" }),
        anInstance(4, { state: "not-sent", code: "NOT_SENT" }),
        anInstance(5, { state: "cancelled", code: "TERMINATED" }),
        aFailure(7, { code: "UNDELIVERABLE" }),
        aFailure(8),
        aFailure(6),
      ]),
    ]);

    expect(
      report.instances.map((each) => `${Number.parseInt(each.instanceId.slice(2), 16)} ${standingOf(each)}`),
    ).toEqual([
      ...[
        "6 failed",
        "8 failed",
        "7 failed",
        "5 cancelled",
        "4 not sent",
        "3 running",
        "2 waiting",
        "9 skipped",
        "1 succeeded",
      ],
    ]);
    expect(report.counts).toEqual({ selected: 8, succeeded: 1, failed: 4, running: 1, skipped: 1, notSent: 2 });
    expect(report).toMatchObject({ runId: "run-7", source: "pipeline", startedAt: WHOLE_RUN.startedAt });
  });

  it("shows nothing as running or waiting after the end of the run, which the report or the caller knows", () => {
    const { endedAt: _, ...unended } = WHOLE_RUN;
    const instances = [anInstance(1), anInstance(2, { state: "running" }), anInstance(3, { state: "not-sent" })];
    const ended = toFleetReport([aPage(instances, WHOLE_RUN)]);
    const lost = toFleetReport([aPage(instances, unended)], { isOver: true });
    const open = toFleetReport([aPage(instances, unended)]);

    for (const { standings, counts, causes } of [ended, lost]) {
      expect(standings).toMatchObject({ unknown: 1, running: 0, waiting: 0, "not sent": 1, succeeded: 1 });
      expect(counts).toMatchObject({ selected: 3, running: 0, notSent: 1 });
      expect(causes.map(({ code }) => code)).toEqual(["NOT_SENT"]);
    }
    expect(formatVerdict(lost)).toBe("1 of 3 instances failed. 1 of them was not sent to. The end of 1 is unknown.");
    expect(open.standings).toMatchObject({ unknown: 0, running: 1, waiting: 1, "not sent": 0 });
    const [, second] = lost.instances;
    expect([second?.instanceId, explainCode(second?.code ?? "")?.meaning]).toEqual([
      anInstance(2).instanceId,
      expect.stringContaining("ended before the command did"),
    ]);
  });

  it("says of a run without failures whose end is unknown how many have succeeded", () => {
    const report = toFleetReport([aPage([anInstance(1), anInstance(2, { state: "running" })])], { isOver: true });
    expect(formatVerdict(report)).toBe("1 of 2 instances succeeded. The end of 1 is unknown.");
  });

  it("counts an instance under each of its roles once, and those without one apart", () => {
    const { roles } = toFleetReport([
      aPage([
        anInstance(1, { roles: ["web", "app", "web"] }),
        aFailure(2, { roles: ["web"] }),
        anInstance(3, { roles: [] }),
      ]),
    ]);

    expect(roles.map(({ role, total, counts }) => [role, total, counts.failed, counts.succeeded])).toEqual([
      ["app", 1, 0, 1],
      ["web", 2, 1, 1],
      [undefined, 1, 0, 1],
    ]);
  });

  it("counts an instance once that is on two pages", () => {
    const { instances, counts } = toFleetReport([aPage([anInstance(1)]), aPage([aFailure(1)])]);

    expect([instances.length, counts.failed, counts.succeeded]).toEqual([1, 1, 0]);
  });

  it("keeps a skipped repetition in addition to the instance itself", () => {
    const { instances } = toFleetReport([
      aPage([anInstance(1), anInstance(1, { state: "skipped", code: "DUPLICATE" })]),
    ]);

    expect(instances.map(standingOf)).toEqual(["skipped", "succeeded"]);
  });

  it("has no instances without a page", () => {
    expect(toFleetReport([])).toMatchObject({ runId: "", instances: [], roles: [], causes: [] });
  });

  it("is fast for 10,000 instances", () => {
    const pages = Array.from({ length: 200 }, (_, page) =>
      aPage(Array.from({ length: 50 }, (_unused, index) => anInstance(page * 50 + index))),
    );

    expect(toFleetReport(pages).counts.succeeded).toBe(10_000);
  });
});

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

describe("toLength", () => {
  it.each([
    [0, "0s"],
    [449, "0.4s"],
    [9_960, "10s"],
    [59_600, "1m"],
    [61_000, "1m 1s"],
    [3_600_000, "1h"],
    [90_061_000, "1d 1h"],
    [-1, ""],
    [Number.NaN, ""],
  ])("formats %i ms as %s", (ms, text) => {
    expect(toLength(ms)).toBe(text);
  });
});

describe("toInstant", () => {
  it("returns other values unchanged", () => {
    expect([toInstant(0), toInstant(Number.NaN), toInstant(1e99)]).toEqual(["1970-01-01T00:00:00Z", "NaN", "1e+99"]);
  });
});

describe("explainCode", () => {
  it.each(["1web", Array.from({ length: 51 }, (_, number) => `r${number}`).join()])(
    "explains why a role tag makes no inventory: %.20s",
    (tag) => {
      const found = inventory(tag);

      expect("code" in found && explainCode(found.code)).toMatchObject({ advice: expect.stringMatching(/\S/) });
    },
  );

  it.each(["Failed", "Execution Timed Out", "Delivery Timed Out", "Undeliverable", "Terminated", "Cancelled"])(
    "explains what SSM calls %s",
    (status) => {
      expect(explainCode(toInstanceState(status).code ?? "")).toMatchObject({ meaning: expect.stringMatching(/\S/) });
    },
  );

  it("leaves AWS's own codes to themselves", () => {
    expect(explainCode("INVALID_DOCUMENT")).toBeUndefined();
  });
});

describe("toCleanText", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["a moved cursor", "a\u001b[2J\u001b[1;1Hb", "ab"],
    ["a title of the window", "\u001b]0;owned\u0007ok", "ok"],
    ["a link", "\u001b]8;;https://evil.example\u0007here\u001b]8;;\u0007", "here"],
    ["a sequence that begins with one character", "\u009b31mred", "red"],
    ["a sequence inside a sequence", "\u001b\u001b[0m[31mx", "x"],
    ["a bell, a nul and a backspace", "a\u0007\u0000\bb", "ab"],
    ["a line that is written over", "right\rwrong", "right\nwrong"],
    ["a name that reads from right to left", "i-\u202e1234", "i-1234"],
    ["half a surrogate pair", "a\ud800b", "a\ufffdb"],
  ])("takes out %s", (_what, text, clean) => {
    expect(toCleanText(text)).toBe(clean);
  });

  it("leaves no control sequence for a terminal", () => {
    const odd = fc.string({
      unit: fc.constantFrom("\u001b", "[", "]", "0", "m", "\u009b", "\u0007", "\u202e", "a", "\r"),
    });

    fc.assert(fc.property(odd, (text) => !/(?![\n\t])\p{Cc}|\u202e/u.test(toCleanText(text))));
  });
});

describe("toCell", () => {
  it("is one line, cut between characters", () => {
    expect([toCell("a\n  b\tc"), toCell("😀😀😀", 4), toCell("😀😀", 4)]).toEqual(["a b c", "😀…", "😀😀"]);
  });
});

describe("findLastLine", () => {
  it("skips blank values", () => {
    expect([findLastLine("a\nb\n \u001b[0m\n"), findLastLine(" \n"), findLastLine(undefined)]).toEqual([
      ...["b", undefined, undefined],
    ]);
  });
});
