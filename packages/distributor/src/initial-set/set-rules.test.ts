import fc from "fast-check";
import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { registerConsumer } from "../consumers.ts";
import { PLACE, T0 } from "../testing/a-cell.ts";
import {
  decideSet,
  decideSetEnd,
  findDueSets,
  type SetDecision,
  type SetFacts,
  SetRecord,
  type SetRequest,
} from "./set-rules.ts";

const MINUTE = 60_000;
const V1 = { generation: "v1", probeAnsweredAt: null } as const;
const V2 = { generation: "v2", probeAnsweredAt: null } as const;

const aRequest = (changes: Partial<SetRequest> = {}): SetRequest => ({
  ...PLACE,
  line: "first",
  execution: changes.line ?? "first",
  askedAt: T0,
  since: null,
  artifact: null,
  ...changes,
});
const decide = (changes: Partial<SetFacts> = {}) =>
  decideSet({ request: aRequest(), set: undefined, consumer: V2, now: T0, ...changes });

function setOf(decision: SetDecision): SetRecord {
  if (decision.set === undefined) throw new Error(`Nothing is noted: ${decision.kind}.`);
  return decision.set;
}

const aSet = (changes: Partial<SetRecord> = {}): SetRecord => ({ ...setOf(decide()), ...changes });

/** Takes steps as the state machine would until something else than waiting and probing is to be done. */
function waitUntil(consumerAt: (minute: number) => SetFacts["consumer"]) {
  const probes: number[] = [];
  let [now, set]: [number, SetRecord | undefined] = [T0, undefined];
  for (;;) {
    const decision = decide({ set, now, consumer: consumerAt((now - T0) / MINUTE) });
    if (decision.kind === "probe") probes.push((now - T0) / 1_000);
    if (decision.kind !== "wait" && decision.kind !== "probe")
      return { probes, decision, minutes: (now - T0) / MINUTE };
    set = decision.set ?? set;
    now += decision.seconds * 1_000;
  }
}

describe("the handshake", () => {
  it("probes with growing pauses for 20 minutes, and then fails", () => {
    const { probes, decision, minutes } = waitUntil(() => V2);

    expect(probes.slice(0, 8)).toEqual([0, 5, 15, 35, 75, 135, 195, 255]);
    expect([decision.kind, minutes]).toEqual(["failed", 20.25]);
    expect(setOf(decision)).toMatchObject({ phase: "failed", failures: 1 });
  });

  it("begins as soon as a probe is answered", () => {
    const { decision, minutes } = waitUntil((minute) => ({ ...V2, probeAnsweredAt: minute < 2 ? null : T0 + MINUTE }));

    expect([decision.kind, minutes]).toEqual(["announce", 2.25]);
    expect(setOf(decision)).toMatchObject({ phase: "announcing", announcingAt: T0 + 2.25 * MINUTE, cursor: null });
  });

  it("waits out the pause between two probes, also in an execution that is begun again", () => {
    const probed = aSet({ probes: 3, probedAt: T0 });

    expect(decide({ set: probed, now: T0 + 15_000 })).toMatchObject({ kind: "wait", seconds: 5 });
    expect(decide({ set: probed, now: T0 + 20_000 })).toMatchObject({ kind: "probe", seconds: 40 });
  });

  it("begins with an answer of its own first moment", () => {
    expect(decide({ set: aSet(), consumer: { ...V2, probeAnsweredAt: T0 } }).kind).toBe("announce");
    expect(decide({ set: aSet(), consumer: { ...V2, probeAnsweredAt: T0 - 1 } }).kind).toBe("wait");
  });

  it("takes no answer of an earlier set", () => {
    expect(decide({ consumer: { ...V2, probeAnsweredAt: T0 - 1 } }).kind).toBe("probe");
  });

  it("waits 15 minutes for one of the first generation, and never probes it", () => {
    const { probes, decision, minutes } = waitUntil(() => V1);

    expect([probes, decision.kind, minutes]).toEqual([[], "announce", 15]);
  });

  it("probes from when it registers", () => {
    const { probes } = waitUntil((minute) =>
      minute < 3 ? V1 : { ...V2, probeAnsweredAt: minute < 4 ? null : T0 + 1 },
    );

    expect(probes[0]).toBe(180);
  });
});

describe("the end", () => {
  it("is the end for one that answers", () => {
    const set = aSet({ phase: "announcing", messages: 12 });

    expect(decideSetEnd({ consumer: V2, now: T0 }, set)).toMatchObject({
      kind: "done",
      messages: 12,
      set: { phase: "done", endedAt: T0 },
    });
  });

  it("comes an hour later, after all was sent again, for one that does not", () => {
    const now = T0 + 20 * MINUTE;
    const paused = setOf(decideSetEnd({ consumer: V1, now }, aSet({ phase: "announcing" })));
    const at = (minutes: number) => decide({ set: paused, consumer: V1, now: now + minutes * MINUTE });

    expect(at(59)).toMatchObject({ kind: "wait", seconds: 60 });
    expect(at(60)).toMatchObject({ kind: "announce", set: { round: 2, cursor: null } });
    expect(decideSetEnd({ consumer: V1, now }, setOf(at(60))).kind).toBe("done");
  });

  it("comes at once when it is upgraded meanwhile", () => {
    const set = aSet({ phase: "pausing", pausedAt: T0 });

    expect(decide({ set, now: T0 + MINUTE }).kind).toBe("done");
  });

  it("is announced again on a repeated request", () => {
    expect(decide({ set: aSet({ phase: "done", messages: 3 }) })).toEqual({ kind: "done", messages: 3 });
    expect(decide({ set: aSet({ phase: "failed" }) })).toEqual({ kind: "failed" });
  });
});

describe("a second execution", () => {
  const request = aRequest({ line: "second", askedAt: T0 + 10 });

  it("waits while the first one works", () => {
    expect(decide({ request, set: aSet(), now: T0 + MINUTE })).toEqual({ kind: "wait", seconds: 30 });
  });

  it("is done with the first when that began to announce after it was asked", () => {
    const ended = aSet({ phase: "done", announcingAt: T0 + 11, messages: 5 });

    expect(decide({ request, set: ended })).toEqual({ kind: "done", messages: 5 });
  });

  it.each([
    ["began before", { announcingAt: T0 + 9 }, {}],
    ["failed", { phase: "failed" as const, announcingAt: T0 + 11 }, {}],
    ["sent only a part", { announcingAt: T0 + 11, artifact: "billing-api" }, {}],
    ["sent less", { announcingAt: T0 + 11 }, { since: T0 - 1 }],
  ])("begins anew when the first one %s", (_, changes, asked) => {
    const decision = decide({ request: { ...request, ...asked }, set: aSet({ phase: "done", ...changes }) });

    expect(decision).toMatchObject({ kind: "probe", set: { line: "second", phase: "waiting" } });
  });

  it("continues where one has died", () => {
    const cursor = { name: "a", version: "1", files: 7 };
    const set = aSet({ phase: "announcing", cursor, messages: 7 });

    expect(decide({ request, set, now: T0 + 31 * MINUTE })).toMatchObject({
      kind: "announce",
      set: { line: "second", execution: "second", cursor, messages: 7 },
    });
  });
});

describe("an execution with a long history", () => {
  it("hands over to another one of its line, which then is the only one to continue", () => {
    const long = aSet({ phase: "announcing", steps: 800 });
    const decision = decide({ set: long });
    const set = setOf(decision);

    expect([decision.kind, set.execution, set.restarts, set.steps]).toEqual(["restart", "first-r1", 1, 0]);
    expect(decide({ set }).kind).toBe("restart");
    expect(decide({ set, request: aRequest({ execution: "first-r1" }) }).kind).toBe("announce");
  });

  it("has names of at most 80 characters", () => {
    const line = "x".repeat(80);
    const set = aSet({ line, execution: line, phase: "announcing", steps: 800, restarts: 12_344 });

    expect(setOf(decide({ request: aRequest({ line }), set })).execution).toHaveLength(77);
  });
});

describe("decideSet", () => {
  it("notes records only, and never waits for longer than five minutes", () => {
    const facts = fc.record({
      set: fc.option(
        fc
          .record({
            phase: fc.constantFrom<SetRecord["phase"]>("waiting", "announcing", "pausing", "done", "failed"),
            line: fc.constantFrom("first", "second"),
            steps: fc.nat(801),
            round: fc.constantFrom(1, 2),
            pausedAt: fc.option(fc.integer({ min: T0 - 2 * 60 * MINUTE, max: T0 })),
            startedAt: fc.integer({ min: T0 - 30 * MINUTE, max: T0 }),
          })
          .map(aSet),
        { nil: undefined },
      ),
      consumer: fc.constantFrom<SetFacts["consumer"]>(V1, V2, { ...V2, probeAnsweredAt: T0 }),
    });
    fc.assert(
      fc.property(facts, (drawn) => {
        const decision = decide(drawn);

        if (decision.set !== undefined) expect(Check(SetRecord, decision.set)).toBe(true);
        const seconds = "seconds" in decision ? decision.seconds : 1;
        expect(seconds >= 1 && seconds <= 300).toBe(true);
      }),
    );
  });
});

const HOUR = 3_600_000;
const consumer = registerConsumer(undefined, PLACE, { kind: "registered", at: T0, bucket: "b", capabilities: [] });

function aFinishedSet(changes: Partial<SetRecord>): SetRecord {
  const request = { ...PLACE, line: "x", execution: "x", askedAt: T0, since: null, artifact: null };
  const { set } = decideSet({ request, set: undefined, consumer, now: T0 });
  if (set === undefined) throw new Error("Nothing is noted.");
  return { ...set, ...changes };
}
const isDue = (set: SetRecord | undefined, now = T0 + HOUR) =>
  findDueSets([consumer], set === undefined ? [] : [set], now).length === 1;

describe("findDueSets", () => {
  it("finds a consumer whose set was not started, under the same name for an hour", () => {
    const [first, again, later] = [T0, T0 + HOUR - 1, T0 + HOUR].map((now) => findDueSets([consumer], [], now));

    const executionName = `111122223333-eu-west-1-auto-${T0.toString(36)}`;
    expect(first).toEqual([{ ...PLACE, executionName }]);
    expect(again).toEqual(first);
    expect(later).toEqual([{ ...PLACE, executionName: `${executionName}-1` }]);
  });

  it("gives names that Step Functions takes, however long a region is called", () => {
    const region = "abcd-abcdefghijkl-abcdefghijkl-abcdefghijkl-12";
    const names = [0, 30].map((hours) => findDueSets([{ ...consumer, region }], [], T0 + hours * HOUR));

    expect(names.flat().map(({ executionName }) => executionName.length)).toEqual([73, 75]);
  });

  it("finds one that has had only a part", () => {
    expect(isDue(aFinishedSet({ phase: "done", endedAt: T0, artifact: "app" }))).toBe(true);
    expect(isDue(aFinishedSet({ phase: "done", endedAt: T0, since: T0 }))).toBe(true);
    expect(isDue(aFinishedSet({ phase: "done", endedAt: T0, artifact: "app", wholeAt: T0 }))).toBe(false);
    expect(isDue(aFinishedSet({ phase: "done", endedAt: T0, artifact: "app", wholeAt: T0 - HOUR }))).toBe(true);
  });

  it("leaves alone what is under way or done", () => {
    expect(isDue(aFinishedSet({ aliveAt: T0 + HOUR }))).toBe(false);
    expect(isDue(aFinishedSet({ phase: "done", endedAt: T0 }))).toBe(false);
    expect(isDue(aFinishedSet({ phase: "done", endedAt: T0, startedAt: T0 - 60_000 }))).toBe(false);
  });

  it("finds one that has died", () => {
    expect(isDue(aFinishedSet({ aliveAt: T0 }))).toBe(true);
  });

  it("finds a consumer that has come again since", () => {
    expect(isDue(aFinishedSet({ phase: "done", startedAt: T0 - HOUR, endedAt: T0 - HOUR }))).toBe(true);
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [20, 24],
  ])("tries again what has failed %i times after %i hours", (failures, hours) => {
    const set = aFinishedSet({ phase: "failed", endedAt: T0, failures });

    expect([isDue(set, T0 + hours * HOUR - 1), isDue(set, T0 + hours * HOUR)]).toEqual([false, true]);
  });

  it("gives another name to another try, of at most 80 characters", () => {
    const names = [1, 2].map((endedAt) =>
      findDueSets([{ ...consumer, region: "ap-southeast-2" }], [], T0).concat(
        findDueSets([consumer], [aFinishedSet({ phase: "failed", endedAt, failures: 1 })], T0 + HOUR * 30),
      ),
    );

    expect(new Set(names.flat().map(({ executionName }) => executionName)).size).toBe(3);
    expect(names.flat().every(({ executionName }) => executionName.length <= 80)).toBe(true);
  });
});
