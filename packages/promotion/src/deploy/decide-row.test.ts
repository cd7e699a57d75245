import type { Stack } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { aTargetStack } from "../testing/a-target-stack.ts";
import { type Aims, decideRow, EVENT_MS, type EventFate } from "./decide-row.ts";
import type { DeployRow, SetBy } from "./deploy-row.ts";

const NOW = 10_000_000;
const aims: Aims = {
  op: "send",
  event: "RELEASED",
  release: { id: "shop-1.42.0", createdAt: 100 },
  metadata: { api: "1.42.0" },
  until: ["LIVE"],
  failed: ["BROKEN"],
  isRule: true,
  creates: false,
  again: false,
  eachMs: 3_600_000,
  now: NOW,
};
const waiting: DeployRow = { stack: "prod", incarnation: "i1", wave: 0, try: 0, state: "waiting", at: 5 };
const sent: DeployRow = { ...waiting, try: 1, state: "sent", sentAt: NOW - 1_000, expect: 7, from: { api: {} } };
const none: EventFate = { kind: "none" };
const applied: EventFate = { kind: "applied" };
const own: SetBy = {
  id: "shop-1.42.0",
  incarnation: "i",
  createdAt: 100,
  task: "t",
  event: "stack:1",
  value: "1.42.0",
  at: 200,
};
const live = (given: Partial<Stack> = {}) =>
  aTargetStack({ metadata: { api: "1.42.0" }, releases: { api: own }, ...given });
const task = { name: "apply", status: "PENDING", detail: "RUNNING" } as const;

const failed = { failed: true, tasks: [{ name: "apply", status: "ERROR" }] } as const;

const left = { task: "apply", state: "BUILD", entry: 2, attempt: 1, at: NOW };

const timer = (inMs: number) => ({ id: "2/after/0", event: "BAKED", dueAt: NOW + inMs });

/** The row after it was observed, without what is the same in all. */
function observe(row: DeployRow, stack: Stack | undefined, fate: EventFate = none, given: Partial<Aims> = {}) {
  const version = stack === undefined ? 0 : 8;
  const after = decideRow(row, { stack, version, fate, eventId: "stack:1" }, { ...aims, ...given });
  const { stack: _, wave, try: tries, ...rest } = after;
  return after === row ? "same" : rest;
}

function outcome(...input: Parameters<typeof observe>): string {
  const after = observe(...input);
  return after === "same" ? after : [after.state, after.code].filter((part) => part !== undefined).join(" ");
}

describe("a stack that waits for its event", () => {
  it("is sent to when it rests, whatever its state: what was before is kept", () => {
    const release = { ...own, id: "shop-1.41.0", createdAt: 50 };
    const stack = aTargetStack({ releases: { api: release } });

    expect(observe(waiting, stack)).toEqual({
      incarnation: "i1",
      state: "waiting",
      at: 5,
      expect: 8,
      from: { api: { value: "1.41.0", release } },
    });
    expect(outcome(waiting, aTargetStack({ state: "BROKEN", ...failed }))).toBe("waiting");
  });

  it("is sent to while a task only watches: the work of its last event has ended", () => {
    const watched = aTargetStack({
      tasks: [task],
      deed: "e1",
      deeds: { e1: { event: "RELEASED", at: 1, restedAt: 2, keys: {} } },
    });
    const { restedAt: _, ...open } = watched.deeds?.["e1"] ?? { event: "RELEASED", at: 1, keys: {} };

    expect(outcome(waiting, watched)).toBe("waiting");
    expect(outcome(waiting, { ...watched, deeds: { e1: open } })).toBe("waiting STACK_MOVING");
  });

  it("keeps what was before the first event over later tries", () => {
    const row = { ...waiting, try: 1, from: { api: { value: "1.40.0" } } };

    expect(observe(row, aTargetStack({ releases: { api: own } }))).toMatchObject({
      from: { api: { value: "1.40.0" } },
    });
  });

  it("reads anew what is before its event when the stack has refused the last one", () => {
    const row = { ...waiting, try: 1, from: { api: { value: "1.40.0" } } };

    expect(observe(row, aTargetStack())).toMatchObject({ from: { api: { value: "1.41.0" } } });
  });

  it("waits while it moves", () => {
    const moving = aTargetStack({ state: "BUILD", tasks: [task] });

    expect(observe(waiting, moving)).toMatchObject({
      code: "STACK_MOVING",
      message: "BUILD waits for apply.",
      at: NOW,
    });
    const held = { ...waiting, code: "STACK_MOVING", message: "BUILD waits for apply." };
    expect(outcome(held, moving)).toBe("same");
    expect(outcome(held, aTargetStack())).toBe("waiting");
  });

  it.each<readonly [string, Stack | undefined, Partial<Aims>]>([
    ["skipped STACK_REMOVED", undefined, {}],
    ["failed STACK_MISSING", undefined, { isRule: false }],
    ["failed STACK_MOVED", aTargetStack({ incarnation: "i2" }), {}],
    ["skipped NEWER_RELEASE", live({ releases: { api: { ...own, id: "shop-1.43.0", createdAt: 101 } } }), {}],
    [
      "failed NEWER_RELEASE",
      live({ releases: { api: { ...own, id: "shop-1.43.0", createdAt: 101 } } }),
      { isRule: false },
    ],
    ["unchanged", live(), {}],
    ["waiting", live(), { again: true }],
    ["waiting", live({ state: "PAUSED" }), {}],
    ["waiting", live(failed), {}],
    ["waiting", live({ entry: 3, lastFailure: left }), {}],
  ])("is %s", (expected, stack, given) => {
    expect(outcome(waiting, stack, none, given)).toBe(expected);
  });

  it.each<readonly [string, DeployRow, EventFate, Partial<Aims>]>([
    ["that waits", waiting, none, {}],
    ["that is named", waiting, none, { isRule: false }],
    ["that has applied the event", sent, applied, {}],
    ["that is undone", waiting, none, { op: "undo" }],
  ])(
    "%s fails when the release may no longer read it: it is not taken for one that was removed",
    (_, row, fate, given) => {
      const after = decideRow(row, { stack: undefined, version: 0, hidden: true, fate }, { ...aims, ...given });

      expect(after).toMatchObject({ incarnation: "i1", state: "failed", code: "STACK_HIDDEN" });
      expect(after.message).toContain('Grant its machine the role "viewer" for the stack again.');
    },
  );

  it("does not exist for a release that could never read it", () => {
    const { incarnation, ...row } = waiting;

    expect(
      decideRow(row, { stack: undefined, version: 0, hidden: true, fate: none }, { ...aims, isRule: false }).code,
    ).toBe("STACK_MISSING");
  });

  it("is created when the task may: there was nothing before", () => {
    const { incarnation, ...row } = waiting;

    expect(observe(row, undefined, none, { creates: true, isRule: false })).toMatchObject({
      state: "waiting",
      expect: 0,
      from: { api: {} },
    });
    expect(outcome(waiting, undefined, none, { creates: true, isRule: false })).toBe("failed STACK_MISSING");
  });

  it("is done when an earlier try has arrived by now", () => {
    expect(outcome({ ...waiting, try: 1 }, live())).toBe("done");
    expect(outcome({ ...waiting, try: 1, onlyNotes: true }, live())).toBe("unchanged");
    // The values are there by another sender: only the release is noted.
    expect(observe({ ...waiting, try: 1 }, live({ releases: {} }))).toMatchObject({
      state: "waiting",
      onlyNotes: true,
    });
  });

  it("says until when a release counts as newer that was started while a clock was ahead", () => {
    const ahead = live({ releases: { api: { ...own, id: "shop-1.41.0", createdAt: NOW + 3_600_000 } } });

    expect(observe(waiting, ahead)).toMatchObject({
      state: "skipped",
      code: "NEWER_RELEASE",
      message:
        "api was set by the newer release shop-1.41.0. A clock was ahead when it started: the next release is newer after 1970-01-01T03:46:40.000Z.",
    });
  });

  it("never counts a release as newer than itself, and of two that were created at once exactly one", () => {
    const other = (id: string) => live({ releases: { api: { ...own, id } }, metadata: { api: "x" } });

    expect(outcome(waiting, other("shop-1.42.0"))).toBe("waiting");
    expect(outcome(waiting, other("shop-2"))).toBe("skipped NEWER_RELEASE");
    expect(outcome(waiting, other("app-2"))).toBe("waiting");
  });
});

describe("a stack whose event was sent", () => {
  it("is on its way until the event is decided, or can no longer be", () => {
    expect(outcome(sent, aTargetStack(), { kind: "undecided" })).toBe("same");
    expect(outcome({ ...sent, sentAt: NOW - EVENT_MS }, aTargetStack(), { kind: "undecided" })).toBe("same");
    const late = { ...sent, sentAt: NOW - EVENT_MS - 60_001 };
    expect(outcome(late, aTargetStack(), { kind: "undecided" })).toBe("waiting EVENT_EXPIRED");
  });

  it("is not done by an old LIVE with the same values: the event must have been applied", () => {
    expect(outcome(sent, live(), { kind: "undecided" })).toBe("same");
    expect(outcome(sent, live(), none)).toBe("same");
  });

  it.each<readonly [string, string, Partial<Stack>]>([
    ["waiting STACK_CHANGED", "STACK_CHANGED", {}],
    ["waiting EVENT_EXPIRED", "EVENT_EXPIRED", {}],
    ["waiting EVENT_NOT_HANDLED", "EVENT_NOT_HANDLED", { tasks: [task] }],
    ["failed EVENT_NOT_HANDLED", "EVENT_NOT_HANDLED", {}],
    ["waiting EVENT_NOT_HANDLED", "EVENT_NOT_HANDLED", { timers: [timer(aims.eachMs)] }],
    ["failed EVENT_NOT_HANDLED", "EVENT_NOT_HANDLED", { timers: [timer(aims.eachMs + 1)] }],
    ["failed NOT_ALLOWED", "NOT_ALLOWED", { tasks: [task] }],
    ["skipped STACK_REMOVED", "STACK_UNKNOWN", {}],
  ])("is %s after a refusal", (expected, code, stack) => {
    expect(outcome(sent, aTargetStack(stack), { kind: "refused", code, reason: "r" })).toBe(expected);
  });

  it("is not sent to again before a timer has moved it, and not forever", () => {
    const stack = aTargetStack({ state: "BAKE", timers: [timer(1_000)] });
    const refused: EventFate = { kind: "refused", code: "EVENT_NOT_HANDLED", reason: "r" };
    const held: DeployRow = { ...sent, state: "waiting", code: "EVENT_NOT_HANDLED", message: "r", expect: 8 };

    expect(outcome(held, stack)).toBe("same");
    expect(outcome({ ...held, expect: 7 }, stack)).toBe("waiting");
    expect(outcome(held, aTargetStack({ state: "BAKE" }))).toBe("waiting");
    expect(outcome({ ...sent, try: 5 }, stack, refused)).toBe("failed EVENT_NOT_HANDLED");
  });

  it.each<readonly [string, Stack | undefined, Partial<Aims>]>([
    ["done", live(), {}],
    ["failed STACK_MOVED", live({ metadata: { api: "by hand" } }), {}],
    ["failed STACK_MOVED", live({ incarnation: "i2" }), {}],
    ["skipped NEWER_RELEASE", live({ releases: { api: { ...own, id: "n", createdAt: 101 } } }), {}],
    ["failed STACK_BROKEN", live({ state: "BROKEN" }), {}],
    ["failed STACK_BROKEN", live({ state: "BROKEN", tasks: [task] }), {}],
    ["failed STACK_FAILED", live({ state: "BUILD", ...failed }), {}],
    ["failed STACK_FAILED", live(failed), {}],
    ["failed STACK_FAILED", live({ entry: 3, lastFailure: left }), {}],
    ["done", live({ entry: 3, lastFailure: { ...left, resolvedAt: NOW } }), {}],
    ["failed STACK_STALLED", live({ stalled: { code: "LOOP_LIMIT", reason: "r" } }), {}],
    ["failed STACK_OVERDUE", live({ state: "BUILD", tasks: [task], overdue: true }), {}],
    ["failed STACK_ELSEWHERE", live({ state: "PAUSED" }), {}],
    ["same", live({ state: "PAUSED", timers: [{ id: "t", event: "GO", dueAt: NOW + 5 }] }), {}],
    ["same", live({ state: "BUILD", tasks: [task] }), {}],
    ["same", live({ tasks: [task] }), {}],
    ["skipped STACK_REMOVED", undefined, {}],
    ["failed STACK_MISSING", undefined, { isRule: false }],
  ])("is %s after the event was applied", (expected, stack, given) => {
    expect(outcome(sent, stack, applied, given)).toBe(expected);
  });

  it("belongs to the stack that its event has created, and to no later one", () => {
    const { incarnation, ...created } = sent;

    expect(observe(created, live({ incarnation: "stack:1" }), applied)).toMatchObject({
      state: "done",
      incarnation: "stack:1",
    });
    expect(outcome(created, live({ incarnation: "e9" }), applied)).toBe("failed STACK_MOVED");
  });

  it("has an hour, without its approvals", () => {
    const moving = live({ state: "BUILD", tasks: [task] });
    const approving = live({ state: "BUILD", tasks: [{ name: "ok", status: "PENDING", detail: "APPROVING" }] });
    const old = { ...sent, sentAt: NOW - 3_600_000 };

    expect(outcome({ ...sent, sentAt: NOW - 3_599_999 }, moving, applied)).toBe("same");
    expect(outcome(old, moving, applied)).toBe("failed STACK_TIMEOUT");
    expect(observe(old, approving, applied)).toMatchObject({ state: "sent", heldSince: NOW });
    const held = { ...old, heldSince: NOW - 50_000 };
    expect(outcome(held, approving, applied)).toBe("same");
    expect(observe(held, moving, applied)).toMatchObject({ state: "sent", heldMs: 50_000 });
    expect(outcome({ ...old, heldMs: 50_000 }, moving, applied, { now: NOW + 50_000 })).toBe("failed STACK_TIMEOUT");
  });
});

describe("an undo", () => {
  const undo = { op: "undo" } as const;
  const from = { api: { value: "1.41.0" } };
  const toUndo = { ...waiting, from };

  it("is sent while the stack has this release and its values", () => {
    expect(observe(toUndo, live(), none, undo)).toMatchObject({ state: "waiting", expect: 8, from });
    expect(outcome(toUndo, live({ state: "BROKEN", ...failed }), none, undo)).toBe("waiting");
    expect(outcome(toUndo, live({ tasks: [task] }), none, undo)).toBe("waiting STACK_MOVING");
  });

  it("leaves a newer release, a change by hand and another stack alone", () => {
    const newer = live({ releases: { api: { ...own, id: "shop-1.43.0", createdAt: 101 } } });

    expect(outcome(toUndo, newer, none, undo)).toBe("skipped STACK_MOVED");
    expect(outcome(toUndo, live({ metadata: { api: "by hand" } }), none, undo)).toBe("skipped STACK_MOVED");
    expect(outcome(toUndo, undefined, none, { ...undo, isRule: false })).toBe("skipped STACK_REMOVED");
    expect(outcome(toUndo, live({ incarnation: "i2" }), none, undo)).toBe("failed STACK_MOVED");
  });

  it("has arrived with what was before", () => {
    const row = { ...sent, from };

    expect(outcome(row, aTargetStack(), applied, undo)).toBe("done");
    expect(outcome(row, live(), applied, undo)).toBe("failed STACK_MOVED");
  });

  it("of a release that has changed no value brings back the release before, and is done", () => {
    const release = { ...own, id: "shop-1.41.0", createdAt: 50, event: "stack:0" };
    const same = { ...toUndo, from: { api: { value: "1.42.0", release } } };

    expect(observe(same, live(), none, undo)).toMatchObject({ state: "waiting", onlyNotes: true, expect: 8 });
    const row = { ...same, try: 1, state: "sent", onlyNotes: true } as const;
    expect(outcome(row, live({ releases: { api: release } }), applied, undo)).toBe("done");
  });
});
