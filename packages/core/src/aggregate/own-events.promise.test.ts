import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listParked } from "../inspect/list-parked.ts";
import { listPages } from "../list-pages.ts";
import { afterTimerId } from "../machine/decide/timer-ids.ts";
import { isArmed, isOverdue } from "../machine/decide/timers.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import { planOf } from "../testing/played-stack.ts";
import type { Simulator } from "../testing/simulator.ts";
import { createTrial, type Trial } from "../testing/trial.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A yard with one stack `s`, which an event of the name `GO` has created. */
async function begin(source: string, metadata: object = {}) {
  const trial = createTrial({ source });
  await trial.yard.publish({ stackId: "s", event: "GO", machine: "app", metadata });
  await trial.yard.settle();
  const send = async (event: string, brought: object = {}) => {
    await trial.yard.publish({ stackId: "s", event, metadata: brought });
    await trial.yard.settle();
  };
  return { ...trial, send };
}

const expiring = (after: string, when: string) => `
version: 2
events: [GO, KEEP, EXPIRE]
states:
  INIT: { on: { GO: LIVE } }
  LIVE:
    after: [${after}]
    on: { KEEP: no-op, EXPIRE: [{ when: "${when}", action: advance, state: GONE }] }
  GONE: {}
`;
const IN = "{ in: 72h, event: EXPIRE }";
const UNTIL = "$" + "{metadata.until}";
const AT = `{ at: "${UNTIL}", event: EXPIRE }`;

describe("the event of a timer that is refused when it is due", () => {
  // scheduler-component#536, scheduler-card#752, scheduler-card#648, xstate-statemachine#107
  it.each([
    ["in", IN, "metadata.keep != true", "EVENT_NOT_HANDLED"],
    ["in, with a condition that fails", IN, "!metadata.keep", "EXPRESSION_FAILED"],
    ["at", AT, "metadata.keep != true", "EVENT_NOT_HANDLED"],
  ])("is parked, and applied when the condition is true: %s", async (_, after, when, code) => {
    const until = new Date(createTrial({}).yard.clock.now() + 72 * HOUR_MS).toISOString();
    const keep = code === "EXPRESSION_FAILED" ? {} : { keep: true };
    const { yard, send, listParked: list } = await begin(expiring(after, when), { ...keep, until });

    await yard.advance(72 * HOUR_MS + MINUTE_MS);
    const parked = await list("s");
    await send("KEEP", { keep: false });

    expect(parked).toEqual([expect.stringMatching(new RegExp(`^timer:.* ${code} tried`))]);
    expect(await yard.findStack("s")).toMatchObject({ state: "GONE", timers: [] });
    expect(await list("s")).toEqual([]);
  });

  it("is given up after an hour, marks its stack, and is applied when it is sent again", async () => {
    const { yard, send, listDeadLetters } = await begin(expiring(IN, "metadata.keep != true"), { keep: true });

    await yard.advance(80 * HOUR_MS);
    const waiting = await yard.findStack("s");
    await send("KEEP", { keep: false });
    const letters = await listDeadLetters();
    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 9 });
    await yard.store.queries.redrive(
      items.map(({ id }) => id),
      yard.clock.now(),
    );
    await yard.settle();

    expect(waiting && isOverdue(waiting)).toBe(true);
    expect(letters).toEqual([expect.stringMatching(/^timer:.* EVENT_NOT_HANDLED$/)]);
    expect(await yard.findStack("s")).toMatchObject({ state: "GONE", timers: [] });
  });

  it("ends with the state, and never acts on a later entry or on another stack of the id", async () => {
    const source = `
version: 2
events: [GO, STAY, LEAVE, EXPIRE, END]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { after: [${IN}], on: { STAY: no-op, LEAVE: LIVE, END: OVER, EXPIRE: [{ when: "has(metadata.off)", action: advance, state: GONE }] } }
  OVER: { terminal: true }
  GONE: {}
`;
    const { yard, send, listDeadLetters, listParked: list } = await begin(source);
    await yard.advance(72 * HOUR_MS + MINUTE_MS);
    await send("LEAVE");
    const left = await list("s");
    await send("STAY", { off: true });
    const stayed = await yard.findStack("s");
    await yard.advance(80 * HOUR_MS);
    const gone = await yard.findStack("s");

    const other = await begin(source);
    await other.yard.advance(80 * HOUR_MS);
    const { items } = await other.yard.store.queries.listDeadLetters({}, { limit: 9 });
    await other.send("END");
    await other.yard.publish({ stackId: "s", event: "GO", machine: "app", metadata: { off: true } });
    await other.yard.settle();
    await other.yard.store.queries.redrive(
      items.map(({ id }) => id),
      other.yard.clock.now(),
    );
    await other.yard.settle();

    expect([left, stayed?.state, gone?.state, await listDeadLetters()]).toEqual([[], "LIVE", "GONE", []]);
    expect([items.length, (await other.yard.findStack("s"))?.state]).toEqual([1, "LIVE"]);
  });

  it("has a line when its stack is removed while its event is parked", async () => {
    const source = `
version: 2
events: [GO, EXPIRE, END]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { after: [{ in: 1h, event: EXPIRE }], on: { END: OVER, EXPIRE: [{ when: "has(metadata.off)", action: advance, state: LIVE }] } }
  OVER: { terminal: true }
`;
    const { yard, listOutcomes } = createTrial({ source });
    await yard.publish({ stackId: "s", event: "GO", machine: "app" });
    await yard.advance(61 * MINUTE_MS);

    await yard.publish({ stackId: "s", event: "END" });
    await yard.settle();

    const outcomes = await listOutcomes("s");
    expect(outcomes.filter((line) => line.startsWith("EXPIRE")).map((line) => line.split(" ")[1])).toEqual([
      "parked",
      "ignored",
    ]);
    expect((await yard.listHistory("s")).at(-1)).toMatchObject({
      code: "TIMER_STALE",
      reason: "The stack was removed.",
    });
  });

  it("moves with its instant while it is parked", async () => {
    const start = createTrial({}).yard.clock.now();
    const at = (hours: number) => new Date(start + hours * HOUR_MS).toISOString();
    const {
      yard,
      send,
      listParked: list,
    } = await begin(expiring(AT, "metadata.keep != true"), {
      keep: true,
      until: at(1),
    });

    await yard.advance(HOUR_MS + MINUTE_MS);
    await send("KEEP", { keep: false, until: at(5) });
    const moved = await yard.findStack("s");
    await yard.advance(5 * HOUR_MS);

    expect([moved?.state, await list("s")]).toEqual(["LIVE", []]);
    expect((await yard.findStack("s"))?.state).toBe("GONE");
  });

  // argoproj/argo-workflows#4290
  it("skips the occurrences of a schedule that are refused, counts them, and says each reason once", async () => {
    const { yard } = await begin(expiring('{ cron: "0 * * * *", zone: UTC, event: EXPIRE }', "metadata.keep != true"), {
      keep: true,
    });

    await yard.advance(3 * HOUR_MS);

    const skipped = { count: 3, code: "EVENT_NOT_HANDLED" };
    const lines = (await yard.listHistory("s")).filter(({ event }) => event === "EXPIRE");
    expect(await yard.findStack("s")).toMatchObject({ state: "LIVE", timers: [{ event: "EXPIRE", skipped }] });
    expect(lines).toMatchObject([{ outcome: "refused", code: "EVENT_NOT_HANDLED" }]);
    expect((await yard.store.queries.stats()).parkedEvents).toBe(0);
  });
});

describe("a timer that a newer revision does not have", () => {
  const following = (after: string) => `
version: 2
revision: follow
events: [GO, KEEP, EXPIRE]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { ${after} on: { KEEP: no-op, EXPIRE: GONE } }
  GONE: {}
`;
  const WITH = following(`after: [${AT}],`);

  it("is armed again with that revision, also when it was due while the other one was the newest", async () => {
    const until = new Date(createTrial({}).yard.clock.now() + HOUR_MS).toISOString();
    const { yard, locator, send } = await begin(WITH, { until });

    locator.write("app", following(""));
    await yard.advance(2 * HOUR_MS);
    const without = await yard.findStack("s");
    locator.write("app", `${WITH}# again\n`);
    await send("KEEP");

    expect([without?.state, without?.timers]).toEqual(["LIVE", []]);
    expect((await yard.findStack("s"))?.state).toBe("GONE");
  });

  it("moves its stack to that revision when it is due, which the history says", async () => {
    const until = new Date(createTrial({}).yard.clock.now() + HOUR_MS).toISOString();
    const { yard, locator } = await begin(WITH, { until });

    locator.write("app", following(""));
    await yard.advance(2 * HOUR_MS);

    const last = (await yard.listHistory("s")).at(-1);
    expect(last).toMatchObject({ event: "EXPIRE", outcome: "ignored", code: "TIMER_STALE", to: "LIVE" });
    expect(last?.notes).toEqual([expect.stringContaining('The timer of "EXPIRE" stops.')]);
    expect((await yard.findStack("s"))?.machineHash).toBe(last?.machineHash);
  });
});

describe("a raised event that is refused", () => {
  const source = `
version: 2
events: [GO, LOOK, DEPLOY, OPEN]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { on: { LOOK: [{ action: no-op, raise: DEPLOY }], OPEN: no-op, DEPLOY: [{ when: "has(metadata.open)", action: advance, state: DONE }] } }
  DONE: {}
`;

  it("is parked, and applied when the stack handles it", async () => {
    const { send, yard, listParked: list } = await begin(source);

    await send("LOOK");
    const parked = await list("s");
    await send("OPEN", { open: true });

    expect(parked).toEqual([expect.stringMatching(/^raise:1:.* EVENT_NOT_HANDLED tried 1$/)]);
    expect((await yard.findStack("s"))?.state).toBe("DONE");
  });

  it("stalls its stack when it is given up", async () => {
    const { send, yard, listDeadLetters } = await begin(source);

    await send("LOOK");
    await yard.advance(2 * HOUR_MS);

    expect(await listDeadLetters()).toEqual([expect.stringMatching(/^raise:1:.* EVENT_NOT_HANDLED$/)]);
    expect((await yard.findStack("s"))?.stalled).toMatchObject({
      code: "EVENT_NOT_HANDLED",
      reason: expect.stringContaining('"DEPLOY" was given up'),
    });
  });

  it("comes to an end where two that wait for each other are parked again and again", async () => {
    const never = "{ when: 'has(metadata.never)' }";
    const circle = `
version: 2
events: [GO, FIRST, SECOND, START, R1, R2]
states:
  INIT: { on: { GO: A } }
  A: { on: { FIRST: [{ action: no-op, raise: R1 }], SECOND: [{ action: no-op, raise: R2 }], START: B, R1: [${never}], R2: [${never}] } }
  B: { on: { R1: [{ action: advance, state: C, raise: R1 }], R2: [${never}] } }
  C: { on: { R2: [{ action: advance, state: B, raise: R2 }], R1: [${never}] } }
`
      .replaceAll(" }]", ", action: no-op }]")
      .replaceAll(/(action: no-op|raise: R\d), action: no-op/g, "$1");
    const { send, yard } = await begin(circle);

    await send("FIRST");
    await send("SECOND");
    await send("START");

    expect((await yard.findStack("s"))?.stalled?.code).toBe("TRANSITION_LIMIT");
  });
});

const STATES = ["A", "B", "C"] as const;
const EVENTS = ["E0", "E1", "E2"] as const;
const CONDITIONS = ["true", "metadata.flag == true", "metadata.flag != true", "metadata.unset == 1"] as const;
const INSTANTS = [UNTIL, "$" + "{metadata.flag == true ? metadata.until : null}"] as const;

const reaction = fc.record(
  {
    when: fc.constantFrom(...CONDITIONS),
    state: fc.constantFrom(...STATES, "END", undefined),
    raise: fc.constantFrom(undefined, undefined, ...EVENTS),
  },
  { requiredKeys: ["when"] },
);
const timer = fc.oneof(
  fc.record({ in: fc.constantFrom("5m", "2h", "6h"), event: fc.constantFrom(...EVENTS) }),
  fc.record({ at: fc.constantFrom(...INSTANTS), event: fc.constantFrom(...EVENTS) }),
  fc.record({ cron: fc.constant("*/20 * * * *"), zone: fc.constant("UTC"), event: fc.constantFrom(...EVENTS) }),
);
const state = fc.record({
  after: fc.uniqueArray(timer, { maxLength: 3, selector: (each) => JSON.stringify(each) }),
  on: fc.dictionary(fc.constantFrom(...EVENTS), fc.array(reaction, { minLength: 1, maxLength: 2 }), { minKeys: 3 }),
});
const machine = fc.record({ A: state, B: state, C: state });
const move = fc.oneof(
  fc.record({ event: fc.constantFrom(...EVENTS), flag: fc.boolean() }),
  fc.record({ event: fc.constantFrom(...EVENTS), flag: fc.boolean(), untilHours: fc.constantFrom(-1, 1, 3, 8) }),
  fc.record({ revision: fc.constantFrom(0, 1) }),
  fc.record({ advance: fc.constantFrom(MINUTE_MS, 7 * MINUTE_MS, HOUR_MS, 7 * HOUR_MS) }),
);

function toSource(states: object, revision = "pin"): string {
  const written = Object.entries(states).map(([name, { after, on }]) => {
    const reactions = Object.entries(on as Record<string, { when: string; state?: string; raise?: string }[]>);
    const handled = reactions.map(([event, list]) => [
      event,
      list.map(({ state: to, ...rest }) =>
        to === undefined ? { ...rest, action: "no-op" } : { ...rest, action: "advance", state: to },
      ),
    ]);
    return [name, { after, on: Object.fromEntries(handled) }];
  });
  const metadata = { flag: { type: "boolean" }, until: { type: "string" } };
  const init = { on: { GO: "A" } };
  return JSON.stringify({
    version: 2,
    revision,
    events: ["GO", ...EVENTS],
    metadata,
    states: { INIT: init, ...Object.fromEntries(written), END: { terminal: true } },
  });
}

/** Returns what is wrong with an event without a sender: each is applied, tried again, or given up so that people see it. */
async function findLost(yard: Simulator): Promise<readonly string[]> {
  const all: StoredHistoryEntry[] = [];
  const pages = listPages((start) => yard.store.queries.listHistory({ stackId: "s" }, { limit: 1_000, ...start }));
  for await (const { items } of pages) all.push(...items);
  const lines = all.filter(({ timer: id, raisedBy }) => (id ?? raisedBy) !== undefined);
  const parked = (await listParked(yard.store, {}, { limit: 1_000 })).items.map((each) => each.parked.event.id);
  const letters = (await yard.store.queries.listDeadLetters({}, { limit: 1_000 })).items.map(({ event }) => event.id);
  const stack = await yard.findStack("s");
  const lost = [...Map.groupBy(lines, ({ eventId }) => eventId)].flatMap(([id, ofEvent]) => {
    const last = ofEvent.at(-1);
    // A timer ends with its stack.
    const isRemoved = all.some(({ outcome, position }) => outcome === "removed" && position > (last?.position ?? 0));
    if (last === undefined || isEnded(last) || (last.timer !== undefined && isRemoved)) return [];
    const where = last.outcome === "parked" ? parked : letters;
    return where.includes(id) ? [] : [`${id}: ${last.outcome} ${last.code}, and in no list`];
  });
  return [...lost, ...(stack === undefined ? [] : findSilent(stack, { lines, parked, now: yard.clock.now() }))];
}

function isEnded({ outcome, code, timer: id = "" }: StoredHistoryEntry): boolean {
  if (outcome === "applied" || outcome === "removed") return true;
  if (outcome === "refused") return /^\d+\/cron\//.test(id);
  return (outcome === "ignored" && code === "TIMER_STALE") || (outcome === "dead-lettered" && code === "STACK_ENDED");
}

function findSilent(
  stack: Stack,
  { lines, parked, now }: { lines: readonly StoredHistoryEntry[]; parked: readonly string[]; now: number },
): readonly string[] {
  return stack.timers.flatMap((timer) => {
    const { id, dueAt, refused, skipped, repeats } = timer;
    const own = lines.filter(({ timer: of, incarnation }) => of === id && incarnation === stack.incarnation);
    const count = own.filter(({ outcome }) => outcome === "refused").length;
    const isListed = own.some(({ eventId }) => parked.includes(eventId));
    const faults = {
      // One line says why as long as the reason is the same.
      "has skipped others than it counts": repeats !== undefined && !isCounted(count, skipped?.count ?? 0),
      "is due, and has not fired": isArmed(timer) && dueAt <= now,
      "was given up without a sign": refused?.givenUpAt !== undefined && !isOverdue(stack),
      "waits for nothing": refused !== undefined && refused.givenUpAt === undefined && !isListed,
    };
    return Object.entries(faults).flatMap(([fault, is]) => (is ? [`${id} ${fault}`] : []));
  });
}

function isCounted(lines: number, skipped: number): boolean {
  return lines <= skipped && (lines === 0) === (skipped === 0);
}

/** Returns the timers of a stack that are neither armed for the instant which its metadata have, nor have fired for it. */
async function findWrongInstants({ yard, executors }: Trial): Promise<readonly string[]> {
  const stack = await yard.findStack("s");
  if (stack === undefined) return [];
  const source = (await yard.store.revisions.get(stack.machineHash))?.source ?? "";
  const { machine: own } = parseMachine(source, { name: "app", executors });
  const { flag, until } = stack.metadata;
  return (own?.states.get(stack.state)?.after ?? []).flatMap((each) => {
    if (each.kind !== "at") return [];
    const isOff = each.at.source === INSTANTS[1] && flag !== true;
    const wanted = isOff ? undefined : Math.max(Date.parse(String(until)), stack.enteredAt);
    const id = afterTimerId(stack.entry, each);
    const armed = stack.timers.find((timer) => timer.id === id)?.instant;
    const fired = armed ?? stack.firedInstants?.[id]?.instant;
    return wanted === armed || wanted === fired ? [] : [`${id} is armed for ${armed} instead of ${wanted}`];
  });
}

type Move =
  | { readonly event: string; readonly flag: boolean; readonly untilHours?: number }
  | { readonly advance: number }
  | { readonly revision: number };

async function act({ yard, locator }: Trial, sources: readonly string[], each: Move): Promise<void> {
  if ("advance" in each) await yard.advance(each.advance);
  else if ("revision" in each) locator.write("app", sources[each.revision]);
  else {
    const { event, flag, untilHours } = each;
    const until = untilHours === undefined ? {} : { until: toUntil(yard, untilHours) };
    await yard.publish({ stackId: "s", event, metadata: { flag, ...until } });
  }
  await yard.settle();
}

function toUntil({ clock }: Simulator, hours: number): string {
  return new Date(clock.now() + hours * HOUR_MS).toISOString();
}

/** `others`: another revision, which the stack follows. */
async function play(states: object, moves: readonly Move[], others?: object): Promise<void> {
  // A machine that enters itself again and again comes to its end soon.
  const engine = { limits: { automaticEntriesPerHour: 20 } };
  const sources = [states, others ?? states].map((each) => toSource(each, others === undefined ? "pin" : "follow"));
  const trial = createTrial({ source: sources[0] ?? "", engine });
  const { yard } = trial;
  await yard.publish({ stackId: "s", event: "GO", machine: "app", metadata: { flag: false, until: toUntil(yard, 3) } });
  await yard.settle();
  for (const each of moves) {
    await act(trial, sources, each);

    expect([...(await findLost(yard)), ...(await findWrongInstants(trial))]).toEqual([]);
  }
  expect(await yard.findViolations()).toEqual([]);
  // The line of an event that a newer revision has refused names the revision that the stack keeps.
  if (others !== undefined) return;
  const { items } = await yard.store.queries.listHistory({ stackId: "s", newestFirst: true }, { limit: 1 });
  const found = await planOf(trial, { engine }).findStackAt({ stackId: "s", position: items[0]?.position ?? 0 });
  expect(found?.incomplete ?? "").not.toContain("The replay differs");
}

describe("machines of all kinds", () => {
  it("lose no event: each is applied, tried again, or given up with a reason that people see", async () => {
    const moves = fc.array(move, { minLength: 3, maxLength: 12 });
    const others = fc.option(machine, { nil: undefined });
    await fc.assert(fc.asyncProperty(machine, moves, others, play), { numRuns: process.env["LONG_TESTS"] ? 400 : 20 });
  }, 120_000);

  it("name what raised an event that ends with its stack", async () => {
    const no = { after: [], on: { E0: [{ when: "true" }] } };
    const states = {
      A: { after: [], on: { E0: [{ when: "true", state: "B", raise: "E1" }] } },
      B: { after: [], on: { E0: [{ when: "true", state: "END" }], E1: [{ when: "metadata.flag == true" }] } },
      C: no,
    };

    await play(states, [
      { event: "E0", flag: false },
      { event: "E0", flag: false },
    ]);
  });

  it("count on in a chain whose second event was parked, and in its replay", async () => {
    const no = { after: [], on: { E0: [{ when: "true" }] } };
    const states = {
      A: { after: [], on: { E0: [{ when: "true", state: "B", raise: "E0" }] } },
      B: { after: [], on: { E0: [{ when: "metadata.flag != true" }], E2: [{ when: "true", state: "A" }] } },
      C: no,
    };

    await play(states, [
      { event: "E0", flag: true },
      { event: "E2", flag: true },
      { event: "E2", flag: false },
    ]);
  });
});
