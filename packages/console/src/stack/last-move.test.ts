import { describe, expect, it } from "vitest";
import { anAttempt, anEntry } from "../testing/a-stack.ts";
import { findEarlierMs, findLastMove, toBrought } from "./last-move.ts";

const opened = anEntry(1, { event: "OPENED", to: "BUILD" });
const built = anEntry(2, { event: "NEXT", internal: true, from: "BUILD", to: "LIVE" });
const pushed = anEntry(3, { event: "PUSHED", from: "LIVE", to: "BUILD", metadata: { sha: "9f1c" } });
const touched = anEntry(4, { event: "TOUCHED", from: "BUILD", to: "BUILD" });
const parked = anEntry(5, { event: "MERGED", outcome: "parked", from: "BUILD" });
const failed = anEntry(6, { event: "TASK_ERROR", internal: true, from: "BUILD", to: "BROKEN" });

describe("findLastMove", () => {
  it("finds what came from outside, beyond results, parked events and events that stay", () => {
    expect(findLastMove([failed, parked, touched, pushed, built, opened])).toMatchObject({
      move: pushed,
      before: built,
    });
  });

  it("tells two people of one name apart (grafana#17635)", () => {
    const [own, other] = [
      { ...pushed, actor: "ada", actorId: "p1" },
      { ...touched, actor: "ada", actorId: "p2" },
    ];

    expect(findLastMove([other, own, built])?.by).toBe("ada (p1)");
    expect(findLastMove([own, built])?.by).toBe("ada");
  });

  it("takes no timer and no raised event for one from outside", () => {
    const slept = anEntry(7, { event: "SLEEP", timer: "LIVE/0", from: "LIVE", to: "ASLEEP" });
    const raised = anEntry(8, { event: "WAKE", raisedBy: "e7", from: "ASLEEP", to: "BUILD" });

    expect(findLastMove([raised, slept, pushed, built])?.move).toBe(pushed);
  });

  it("finds none at the first run, nor where the lines before are gone", () => {
    expect(findLastMove([failed, opened])).toBeUndefined();
    expect(findLastMove([failed, pushed])).toBeUndefined();
    expect(findLastMove([])).toBeUndefined();
  });
});

describe("toBrought", () => {
  it("keeps values with their types, and names what is hidden", () => {
    const metadata = { sha: "9f1c", count: 3, on: false, password: "***", none: null };

    expect(toBrought(anEntry(1, { metadata }))).toEqual({
      values: { sha: "9f1c", count: 3, on: false, none: null },
      hidden: ["password"],
    });
    expect(toBrought(anEntry(1)).values).toEqual({});
    expect(toBrought(anEntry(1, { metadata: "odd" })).values).toEqual({});
  });

  it("takes names that objects have", () => {
    const metadata = JSON.parse('{"__proto__": "a", "constructor": "b"}');

    expect(Object.entries(toBrought(anEntry(1, { metadata })).values)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });
});

it("knows how long a task took when it last succeeded before", () => {
  const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 3, 0, second)).toISOString();
  const good = anAttempt({ entry: 1, outcome: "succeeded", dispatchedAt: at(0) });
  const late = anAttempt({ entry: 3, outcome: "succeeded", dispatchedAt: at(50) });
  const bad = anAttempt({ entry: 2, dispatchedAt: at(20) });
  const end = anEntry(9, { event: "TASK_COMPLETED", internal: true, eventId: `x:${good.attemptId}`, at: at(9) });

  expect(findEarlierMs("database", at(30), [late, bad, good], [end])).toBe(9_000);
  expect(findEarlierMs("smoke", at(30), [late, bad, good], [end])).toBeUndefined();
});
