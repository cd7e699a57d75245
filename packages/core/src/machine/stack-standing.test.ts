import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { evaluatePresentDeed, toValueDigest } from "./evaluate-deed.ts";
import { evaluateArrival } from "./stack-standing.ts";

const place = { until: ["LIVE"], failed: ["BROKEN"], metadata: {} };
const pending = [{ name: "build", status: "PENDING" }] as const;
const failure = { task: "build", state: "BUILD", entry: 1, attempt: 1, at: 1, code: "FULL", message: "no space" };
const hasFailed = { kind: "failed", code: "STACK_FAILED", message: "build has failed in BUILD. FULL: no space" };

describe("the arrival of a stack at a place", () => {
  it.each([
    ["arrived", { state: "LIVE" }],
    ["elsewhere", { state: "PAUSED" }],
    ["moving", { state: "LIVE", tasks: pending }],
    ["moving", { state: "LIVE", awaitsRuns: true }],
    ["arrived", { state: "LIVE", entry: 2, lastFailure: { ...failure, resolvedAt: 2 } }],
  ] as const)("is %s: %j", (kind, changes) => {
    expect(evaluateArrival(aStack(changes), place)).toEqual({ kind });
  });

  it("is failed where the machine stays on what ran before, also when a person has acknowledged that", () => {
    const left = { state: "LIVE", entry: 2, lastFailure: failure };
    const acknowledged = { ...left, lastFailure: { ...failure, acknowledged: { at: 2 } } };

    expect(evaluateArrival(aStack(left), place)).toEqual(hasFailed);
    expect(evaluateArrival(aStack(acknowledged), place)).toEqual(hasFailed);
  });

  it("awaits what the stack does about its failure by itself", () => {
    const back = { state: "BACK", entry: 2, lastFailure: failure, tasks: pending };

    expect(evaluateArrival(aStack(back), place)).toEqual({ kind: "moving" });
  });

  it("is failed in a state of failed, stalled, overdue, or with a failed task", () => {
    const stalled = { code: "LOOP_LIMIT", reason: "circles" };
    const error = [{ name: "build", status: "ERROR", errorCode: "FULL", errorMessage: "no space" }] as const;
    const codeOf = (changes: Parameters<typeof aStack>[0]) => {
      const standing = evaluateArrival(aStack(changes), place);
      return standing.kind === "failed" ? [standing.code, standing.message] : [standing.kind];
    };

    expect(codeOf({ state: "BROKEN" })).toEqual(["STACK_BROKEN", "The stack is in BROKEN."]);
    expect(codeOf({ state: "BROKEN", entry: 2, lastFailure: failure })).toEqual([
      "STACK_BROKEN",
      `The stack is in BROKEN. ${hasFailed.message}`,
    ]);
    expect(codeOf({ state: "LIVE", stalled, tasks: pending })).toEqual(["STACK_STALLED", "LOOP_LIMIT: circles"]);
    expect(codeOf({ state: "LIVE", overdue: true })).toEqual(["STACK_OVERDUE", "The time of LIVE is over."]);
    expect(codeOf({ state: "BUILD", tasks: error, failed: true })).toEqual(["STACK_FAILED", hasFailed.message]);
    // FAILED leads nowhere: the failed task stays in the state where the stack was to arrive.
    expect(codeOf({ state: "LIVE", tasks: error })).toEqual([
      "STACK_FAILED",
      "build has failed in LIVE. FULL: no space",
    ]);
  });

  describe("with deeds", () => {
    const deed = { event: "RELEASED", at: 1, restedAt: 2, keys: {} };
    const wanted = { ...place, metadata: { api: "1.42.0" } };
    const live = aStack({ state: "LIVE", metadata: { api: "1.42.0" } });
    const keys = { api: toValueDigest(live, "api") };
    const lacks = { build: { why: "failed", code: "FULL", entry: 1, attempt: 1 } } as const;
    const check = { check: deed };

    it.each([
      ["arrived", { deed: "release", deeds: { release: { ...deed, keys } } }],
      ["arrived", { deed: "check", deeds: { ...check, release: { ...deed, keys } }, lastFailure: failure }],
      ["arrived", { deed: "push", deeds: { push: { ...deed, keys, onlyValues: true } } }],
      ["failed", { deed: "check", deeds: { ...check, release: { ...deed, keys, lacks } } }],
      ["failed", { deed: "check", deeds: { check: { ...deed, lacks }, release: { ...deed, keys } } }],
      ["moving", { deed: "release", deeds: { release: { event: "RELEASED", at: 1, keys } } }],
      ["changed", { metadata: { api: "1.41.0" }, deed: "check", deeds: check }],
    ] as const)("is %s: %j", (kind, changes) => {
      expect(evaluateArrival({ ...live, ...changes }, wanted).kind).toBe(kind);
    });
  });

  it("lacks the work that a lost revision has ended, not what was done before", () => {
    const deed = { event: "RELEASED", at: 1, keys: {} };
    const lost = aStack({ deed: "release", heldBack: { code: "REVISION_LOST", reason: "lost" } });
    const kindOf = (present: typeof deed & { restedAt?: number }) =>
      evaluatePresentDeed({ ...lost, deeds: { release: present } })?.kind;

    expect([kindOf(deed), kindOf({ ...deed, restedAt: 2 })]).toEqual(["failed", "done"]);
  });

  it("knows no place where every state is right", () => {
    expect(evaluateArrival(aStack({ state: "ASLEEP" }), { until: [], failed: [], metadata: {} })).toEqual({
      kind: "arrived",
    });
  });
});
