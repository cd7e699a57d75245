import { describe, expect, it } from "vitest";
import { toSimulationStack } from "../inspect/shown-stack.ts";
import { afterTimerId } from "../machine/decide/timer-ids.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import type { Stack } from "../machine/stack.ts";
import { acceptingExecutors, aStack } from "../testing/builders.ts";
import { createSimulation } from "./simulation.ts";

const executors = acceptingExecutors("lambda");

function compile(after: string, on = "CLOSE: GONE, WARN: no-op, CHECK: no-op") {
  const text = `
version: 2
events: [OPENED, NOTE, CLOSE, WARN, CHECK]
metadata: { a: { type: string }, b: { type: string }, label: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE:
    after: [${after}]
    on: { NOTE: no-op, ${on} }
  GONE: { terminal: true }
`;
  const { machine, problems } = parseMachine(text, { name: "m", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

const MARK_ONLY = "CLOSE: no-op, WARN: no-op, CHECK: no-op";
const event = (name: string, metadata: Readonly<Record<string, unknown>> = {}) => ({
  event: { stackId: "s", event: name, metadata, ...(name === "OPENED" ? { machine: "m" } : {}) },
});
const noted = event("NOTE", { label: "x" });
const at = (key: string, name: string) => `{ at: "\${metadata.${key}}", event: ${name} }`;
const day = (number: number) => `2030-01-0${number}T00:00:00Z`;

interface Play {
  readonly from: readonly [after: string, on?: string];
  readonly to: readonly [after: string, on?: string];
  readonly before: readonly unknown[];
  readonly next: readonly unknown[];
}

/** Plays steps around an upgrade; returns the notes of the dry run, and what has fired afterwards. */
function play({ from, to, before, next }: Play) {
  const simulation = createSimulation(new Map([["m", compile(...from)]]), {
    revisions: new Map([["next", { name: "m", machine: compile(...to) }]]),
  });
  for (const step of before) simulation.step(step);
  const [, planned, moved, ...lines] = [
    { load: "next" },
    { upgrade: "s", dryRun: true },
    { upgrade: "s" },
    ...next,
  ].map((step) => simulation.step(step));
  const fired = [moved, ...lines].flatMap((line) => line?.fired ?? []);
  return {
    notes: planned?.notes ?? [],
    fired: fired.map(({ at: when, event: name, outcome }) => `${when.slice(5, 16)} ${name} ${outcome}`),
  };
}

describe("a stack that a snapshot shows", () => {
  it("remembers the instants that its timers have fired for", () => {
    const now = Date.parse(day(3));
    const closes = at("a", "CLOSE");
    const machine = compile(closes, "CLOSE: no-op");
    const live = { id: "s", machine: "m", machineHash: machine.hash, state: "LIVE", metadata: { a: day(2) }, entry: 1 };
    const id = afterTimerId(1, machine.states.get("LIVE")?.after[0] ?? expect.fail());
    const fired = { [id]: { event: "CLOSE", instant: Date.parse(day(2)), times: 1 } };
    const firedAfter = (stack: Stack) => {
      const simulation = createSimulation(new Map([["m", machine]]));
      simulation.step({ stack: toSimulationStack(stack, now) });
      return [noted, { advance: "1h" }]
        .flatMap((step) => simulation.step(step).fired ?? [])
        .map(({ event: name }) => name);
    };

    expect(firedAfter(aStack({ ...live, enteredAt: Date.parse(day(1)), firedInstants: fired }))).toEqual([]);
    expect(firedAfter(aStack({ ...live, enteredAt: Date.parse(day(1)) }))).toEqual(["CLOSE"]);
  });
});

describe("timers of a stack that moves to another revision", () => {
  it("sends the event that the new revision has at an instant, and reports both [camunda-bpm-platform#3713]", () => {
    const { notes, fired } = play({
      from: [at("a", "CLOSE")],
      to: [at("a", "WARN")],
      before: [event("OPENED", { a: day(5) })],
      next: [noted, { advance: "10d" }],
    });

    expect(fired).toEqual(["01-05T00:00 WARN applied"]);
    expect(notes).toEqual([
      'The timer of "CLOSE" stops. It was due at 2030-01-05T00:00:00.000Z.',
      'The timer of "WARN" is due at 2030-01-05T00:00:00.000Z.',
    ]);
  });

  it("does not send an event twice when another timer is listed before its timer", () => {
    const { fired } = play({
      from: [at("a", "CLOSE"), MARK_ONLY],
      to: [`${at("b", "WARN")}, ${at("a", "CLOSE")}`, MARK_ONLY],
      before: [event("OPENED", { a: day(2), b: day(2) }), { advance: "2d" }],
      next: [noted, { advance: "1d" }],
    });

    expect(fired).toEqual(["01-03T00:00 WARN applied"]);
  });

  it("does not send an event again when its expression is written in another way", () => {
    const { fired } = play({
      from: [at("a", "CLOSE"), MARK_ONLY],
      to: [`{ at: "\${metadata.a == null ? null : metadata.a}", event: CLOSE }`, MARK_ONLY],
      before: [event("OPENED", { a: day(2) }), { advance: "2d" }],
      next: [noted, { advance: "5d" }],
    });

    expect(fired).toEqual([]);
  });

  it("keeps a timer that is not due until it is [flowable-engine#455]", () => {
    const { fired } = play({
      from: [at("a", "CLOSE"), MARK_ONLY],
      to: [`{ cron: "0 3 * * *", event: CHECK }, ${at("a", "CLOSE")}`, MARK_ONLY],
      before: [event("OPENED", { a: day(3) }), { advance: "1h" }],
      next: [{ advance: "1d" }, { advance: "1d" }],
    });

    expect(fired).toEqual(["01-01T03:00 CHECK applied", "01-02T03:00 CHECK applied", "01-03T00:00 CLOSE applied"]);
  });

  it("sends a daily event once a day also after one that came late [OrchardCore#13302]", () => {
    const daily = `{ cron: "0 13 * * *", event: CHECK }`;
    const { fired } = play({
      from: [daily],
      to: [daily],
      before: [event("OPENED"), { advance: "13h" }],
      next: Array.from({ length: 24 * 4 }, () => ({ advance: "15m" })),
    });

    expect(fired).toEqual(["01-02T13:00 CHECK applied"]);
  });

  it("stops a schedule that the new revision does not have [hatchet#410, temporal#2968]", () => {
    const { notes, fired } = play({
      from: [`{ cron: "0 3 * * *", event: CHECK }`],
      to: [""],
      before: [event("OPENED"), { advance: "1d" }],
      next: [{ advance: "3d" }],
    });

    expect([notes, fired]).toEqual([['The timer of "CHECK" stops. It was due at 2030-01-02T03:00:00.000Z.'], []]);
  });

  it("follows the schedule of the new revision from the upgrade on [temporal#1499]", () => {
    const { fired } = play({
      from: [`{ cron: "0 3 * * *", event: CHECK }`],
      to: [`{ cron: "0 5 * * *", event: CHECK }`],
      before: [event("OPENED"), { advance: "1d" }],
      next: [{ advance: "1d" }],
    });

    expect(fired).toEqual(["01-02T05:00 CHECK applied"]);
  });

  it("keeps timers that only stand elsewhere", () => {
    const { notes, fired } = play({
      from: [`{ in: 2d, event: WARN }, { cron: "0 3 * * *", event: CHECK }, ${at("a", "CLOSE")}`, MARK_ONLY],
      to: [`${at("a", "CLOSE")}, { cron: "0 3 * * *", event: CHECK }, { in: 48h, event: WARN }`, MARK_ONLY],
      before: [event("OPENED", { a: day(4) })],
      next: [{ advance: "1d" }, { advance: "3d" }],
    });

    expect(notes).toEqual([]);
    expect(fired.filter((line) => !line.includes("CHECK"))).toEqual([
      "01-03T00:00 WARN applied",
      "01-04T00:00 CLOSE applied",
    ]);
    expect(fired.filter((line) => line.includes("CHECK"))).toHaveLength(4);
  });

  it("keeps a timer that counts from the entry, and says so", () => {
    const { notes, fired } = play({
      from: ["{ in: 2d, event: CLOSE }, { in: 1d, event: WARN }", MARK_ONLY],
      to: ["{ in: 5d, event: CLOSE }, { in: 24h, event: WARN }", MARK_ONLY],
      before: [event("OPENED"), { advance: "36h" }],
      next: [{ advance: "10d" }],
    });

    expect(fired).toEqual(["01-03T00:00 CLOSE applied"]);
    expect(notes).toEqual([
      'The timer of "CLOSE" stays due at 2030-01-03T00:00:00.000Z until the state is left; the revision has another.',
      'A timer of "CLOSE" begins when the state is entered the next time.',
    ]);
  });

  it("arms a timer that only the new revision has, without another change", () => {
    const { notes, fired } = play({
      from: [""],
      to: [at("a", "CLOSE")],
      before: [event("OPENED", { a: day(3) })],
      next: [{ advance: "5d" }],
    });

    expect([notes, fired]).toEqual([
      ['The timer of "CLOSE" is due at 2030-01-03T00:00:00.000Z.'],
      ["01-03T00:00 CLOSE removed"],
    ]);
  });

  it("sends events of the same instant in the order of the declaration", () => {
    const { fired } = play({
      from: [""],
      to: [`${at("a", "WARN")}, ${at("a", "CHECK")}, ${at("a", "CLOSE")}`],
      before: [event("OPENED", { a: day(3) })],
      next: [{ advance: "5d" }],
    });

    expect(fired.map((line) => line.split(" ")[1])).toEqual(["WARN", "CHECK", "CLOSE"]);
  });
});
