// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { describe, expect, it } from "vitest";
import { anEvent, aStack, toApplied } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { defined } from "../json.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Metadata, Stack } from "../stack.ts";
import { decide, followDecision } from "./decide.ts";
import { afterTimerId } from "./timer-ids.ts";
import { isOverdue, skipOccurrence, withRefused } from "./timers.ts";

const source = `
version: 2
events: [OPENED, SET, CLOSED, NIGHT]
metadata: { until: {}, size: {} }
states:
  INIT: { on: { OPENED: LIVE, SET: no-op } }
  LIVE:
    timeout: 30d
    after:
      - { in: 2d, event: CLOSED }
      - { at: "\${metadata.until}", event: CLOSED }
      - { cron: "0 3 * * *", event: NIGHT }
    on: { SET: no-op, CLOSED: no-op, NIGHT: no-op, TIMEOUT: no-op }
`;

const { machine, problems } = parseMachine(source, { name: "review-app" });
if (machine === undefined) throw new TypeError(JSON.stringify(problems));
const [AFTER = "", AT = "", CRON = ""] = machine.states.get("LIVE")?.after.map((each) => afterTimerId(1, each)) ?? [];

const DAY = 86_400_000;
const T0 = Date.parse("2030-01-01T00:00:00Z");
const iso = (ms: number) => new Date(ms).toISOString();

const send = (stack: Stack, name: string, at: number, metadata: Metadata = {}) =>
  decide(machine, stack, anEvent(name, { id: `${name}-${at}`, at, metadata }));

const live = (until: Metadata["until"] | undefined): Stack => {
  const metadata = defined({ until });
  return toApplied(send(aStack({ machineHash: machine.hash }), "OPENED", T0, metadata)).stack;
};

const fire = (stack: Stack, timerId: string, at: number) => {
  const timer = stack.timers.find(({ id }) => id === timerId);
  const event: Partial<StackEvent> = { id: timerId, at, origin: "timer", timerId };
  return decide(machine, stack, anEvent(timer?.event ?? "", event));
};

const due = ({ timers }: Stack) => timers.find(({ id }) => id === AT)?.dueAt;

describe("a timer with an instant", () => {
  it("is armed with the entry, besides the other timers of the state", () => {
    expect(live(iso(T0 + DAY)).timers).toEqual([
      { id: "1/timeout", event: "TIMEOUT", dueAt: T0 + 30 * DAY },
      { id: AFTER, event: "CLOSED", dueAt: T0 + 2 * DAY },
      { id: AT, event: "CLOSED", dueAt: T0 + DAY, instant: T0 + DAY },
      {
        id: CRON,
        event: "NIGHT",
        dueAt: T0 + 3 * 3_600_000,
        instant: T0 + 3 * 3_600_000,
        repeats: { cron: "0 3 * * *", zone: "UTC" },
      },
    ]);
  });

  it("is off while the expression gives null", () => {
    expect([due(live(null)), due(live(undefined))]).toEqual([undefined, undefined]);
  });

  it("is due with the entry where the instant has passed", () => {
    expect(due(live(iso(T0 - 9 * DAY)))).toBe(T0);
  });

  it("moves with the metadata, and stays where other keys change", () => {
    const stack = live(iso(T0 + DAY));

    const moved = toApplied(send(stack, "SET", T0 + 1, { until: iso(T0 + 5 * DAY) })).stack;
    const other = toApplied(send(moved, "SET", T0 + 2, { size: 3 })).stack;
    const off = toApplied(send(other, "SET", T0 + 3, { until: null })).stack;

    expect([moved, other, off].map(due)).toEqual([T0 + 5 * DAY, T0 + 5 * DAY, undefined]);
  });

  it("stays refused while the instant is the same, and is armed anew for another one", () => {
    const stack = live(iso(T0 + DAY));
    const refused = { at: T0 + DAY, code: "EVENT_NOT_HANDLED", reason: "no" };
    const parked = withRefused(stack, AT, refused);
    const find = ({ timers }: Stack) => timers.find(({ id }) => id === AT);

    const same = toApplied(send(parked, "SET", T0 + 2, { size: 3 })).stack;
    const moved = toApplied(send(same, "SET", T0 + 3, { until: iso(T0 + 5 * DAY) })).stack;

    expect(find(same)).toMatchObject({ dueAt: T0 + DAY, refused });
    expect(find(moved)).toEqual({ id: AT, event: "CLOSED", dueAt: T0 + 5 * DAY, instant: T0 + 5 * DAY });
  });

  it("fires once for an instant, and again for another one", () => {
    const fired = toApplied(fire(live(iso(T0 + DAY)), AT, T0 + DAY)).stack;
    const same = toApplied(send(fired, "SET", T0 + DAY + 1, { size: 1 })).stack;
    const again = toApplied(send(same, "SET", T0 + DAY + 2, { until: iso(T0 + 3 * DAY) })).stack;

    expect([fired, same, again].map(due)).toEqual([undefined, undefined, T0 + 3 * DAY]);
  });

  it("refuses an event that brings no instant", () => {
    const decision = send(live(null), "SET", T0 + 1, { until: "tomorrow" });

    expect(decision).toMatchObject({
      kind: "rejected",
      code: "EXPRESSION_FAILED",
      reason:
        'When "CLOSED" is due could not be determined: "tomorrow" is not an instant such as 2030-01-31T09:00:00Z.',
    });
  });

  it("is given up, with a note, where a timer cannot be refused", () => {
    const stack = { ...live(iso(T0 + DAY)), metadata: { until: 5 } };
    const night = { ...stack, entry: 0, state: "INIT", timers: [{ id: "0/after/0", event: "OPENED", dueAt: T0 }] };

    const applied = toApplied(fire(night, "0/after/0", T0 + 1));

    expect([applied.stack.state, isOverdue(applied.stack)]).toEqual(["LIVE", true]);
    expect(applied.notes).toEqual([expect.stringContaining("5 is not an instant")]);
  });
});

describe("a timer that is due and is not in the revision that decides", () => {
  const text = source
    .replace("timeout: 30d", "terminal: true")
    .replace(/events.*/, "events: [OPENED, SET]")
    .replace(/ +- .*\n/g, "")
    .replace("after:", "")
    .replace(/, CLOSED.*}/, " }");
  const { machine: without = machine } = parseMachine(text, { name: "review-app" });
  const onOther = (stack: Stack, timerId: string, at: number) => {
    const event = timerId === AT ? "CLOSED" : "NIGHT";
    return decide(without, stack, anEvent(event, { id: timerId, at, origin: "timer", timerId }));
  };

  it.each([AT, CRON])("moves its stack to that revision, and does nothing else: %s", (timerId) => {
    const stack = live(iso(T0 + DAY));

    const decision = onOther(stack, timerId, T0 + DAY);

    const timers = stack.timers.filter(({ id }) => id !== AT && id !== CRON);
    const notes = expect.arrayContaining([expect.stringMatching(/^The timer of "CLOSED" stops/)]);
    const moved = { ...stack, machineHash: without.hash, updatedAt: T0 + DAY, timers };
    expect(decision).toMatchObject({ kind: "ignored", code: "TIMER_STALE", moved: { stack: moved, notes } });
  });

  it("is applied where the move leads the stack on by an event that waits", () => {
    const leading = `
version: 2
events: [OPENED]
metadata: { until: {}, size: {} }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: { timeout: 30d, on: { TIMEOUT: LATE } }, LATE: { terminal: true } }
`;
    const { machine: next = expect.fail() } = parseMachine(leading, { name: "review-app" });
    const stack: Stack = { ...live(iso(T0 + DAY)), pending: ["TIMEOUT"] };

    const decision = decide(next, stack, anEvent("NIGHT", { id: CRON, at: T0 + DAY, origin: "timer", timerId: CRON }));

    expect(decision).toMatchObject({ kind: "applied", stack: { state: "LATE" } });
  });

  it("fires when a revision has it again", () => {
    const moved = followDecision(undefined, onOther(live(iso(T0 + DAY)), AT, T0 + DAY));

    const { stack: back } = toApplied(send(moved ?? expect.fail(), "SET", T0 + 2 * DAY));

    expect([back.machineHash, due(back)]).toEqual([machine.hash, T0 + DAY]);
  });
});

describe("a timer with a schedule", () => {
  const next = ({ timers }: Stack) => timers.find(({ id }) => id === CRON)?.dueAt;

  it("is armed again when it has fired, for the next instant from now", () => {
    const applied = toApplied(fire(live(null), CRON, T0 + 3 * DAY));

    expect(next(applied.stack)).toBe(T0 + 3 * DAY + 3 * 3_600_000);
  });

  it("counts the occurrences that it skips, and is armed for the next one", () => {
    const why = { code: "EVENT_NOT_HANDLED", reason: "no" };
    const once = skipOccurrence(live(null), CRON, { at: T0 + DAY, ...why });
    const twice = skipOccurrence(once, CRON, { at: T0 + 2 * DAY, ...why });

    expect(twice.timers.find(({ id }) => id === CRON)).toMatchObject({
      dueAt: T0 + 2 * DAY + 3 * 3_600_000,
      skipped: { count: 2, at: T0 + 2 * DAY, ...why },
    });
  });
});
