import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import type { Records } from "../ports/records.ts";
import { advanceWave } from "./advance-wave.ts";
import { decideRollout, type Limits, type RolloutState as State, type Stop } from "./decide-rollout.ts";
import { addItems, listItems, type Paged, updateItems } from "./paged-items.ts";
import { createPages, type Pages } from "./pages.ts";
import { addTallies, type Row as Counted, tallyByWave } from "./tally.ts";

interface Row extends Counted {
  readonly id: string;
}

/** What is sent at once, under a number that is never used again. */
interface Batch {
  readonly n: number;
  readonly ids: readonly string[];
}

interface RolloutState extends State {
  readonly next: number;
  readonly sending: readonly Batch[];
}

type Rollout = Paged<Row, RolloutState>;

const PAGE_ROWS = 4;
const STEP_MS = 500;
const toRow = (row: Row): Counted => row;

const plans = fc.record({
  waves: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
  concurrency: fc.integer({ min: 1, max: 7 }),
  maxFailures: fc.integer({ min: 0, max: 3 }),
  pauseMs: fc.constantFrom(0, 700, 2_000),
  batch: fc.integer({ min: 1, max: 9 }),
  /** The outcome of each row, in the order in which they are sent. */
  fails: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
  /** Steps until rows end. */
  takes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
  /** In which call of records or receiver a process dies, process by process. */
  deaths: fc.array(fc.record({ at: fc.integer({ min: 1, max: 25 }), isAfter: fc.boolean() }), { maxLength: 12 }),
  cancelAt: fc.option(fc.integer({ min: 0, max: 10_000 })),
});
type Plan = typeof plans extends fc.Arbitrary<infer Each> ? Each : never;

describe("a rollout whose processes die at any call", () => {
  it("sends to each row at most once, in waves and within limits, and nothing after a stop", async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const played = await play(plan);

        expect(played.faults).toEqual([]);
        const tally = addTallies(played.rollout.state.tallies.flat());
        const total = plan.waves.reduce((sum, count) => sum + count, 0);
        expect([tally.waiting, tally.sent]).toEqual([0, 0]);
        expect(tally.done + tally.failed).toBe(played.sent.size);
        expect(tally.done + tally.failed + tally.unsent).toBe(total);
      }),
      { numRuns: 300 },
    );
  });
});

/** What was sent, and when; a repeat of a batch changes nothing, as with events that have the same id. */
interface Receiver {
  readonly sent: Map<string, { readonly at: number; readonly wave: number; readonly n: number }>;
  readonly faults: string[];
}

interface World extends Receiver {
  readonly plan: Plan;
  readonly limits: Limits;
  readonly records: Records;
  now: number;
}

async function play(plan: Plan) {
  const records = createMemoryRecords();
  const limits: Limits = {
    concurrency: plan.concurrency,
    maxFailures: plan.waves.map(() => plan.maxFailures),
    pausesMs: plan.waves.map(() => plan.pauseMs),
  };
  const world: World = { plan, limits, records, now: 0, sent: new Map(), faults: [] };
  await openPages(world, records).save(toPlanned(plan));
  for (let turn = 0; turn < 400; turn += 1) {
    const isOver = await runStep(world, plan.deaths[turn]).catch((error: unknown) => {
      if (error instanceof Error && error.message === "died") return false;
      throw error;
    });
    const rollout = await loadWhole(world);
    if (isOver) return { rollout, sent: world.sent, faults: world.faults };
    world.now += STEP_MS;
  }
  throw new Error("The rollout does not end.");
}

function toPlanned({ waves }: Plan): Rollout {
  const rows = waves.flatMap((count, wave) =>
    Array.from({ length: count }, (_, at): Row => ({ id: `${wave}/${at}`, wave, state: "waiting" })),
  );
  const state: RolloutState = { wave: 0, next: 1, sending: [], tallies: [] };
  return addItems({ state, pages: new Map([[0, []]]) }, rows, { pageRows: PAGE_ROWS, toRow });
}

function openPages({ now }: World, records: Records): Pages<Row, RolloutState> {
  return createPages<Row, RolloutState>({
    records,
    clock: { now: () => now },
    key: { state: "state", page: (number) => `page/${number}` },
    keepMs: 86_400_000,
    toRow,
    // Only this test writes the records.
    page: { read: (value) => value as readonly Row[], fit: (items) => items, toHead: () => ({}) },
  });
}

async function loadWhole(world: World): Promise<Rollout> {
  const pages = openPages(world, world.records);
  const loaded = await pages.load();
  if (loaded === undefined) throw new Error("nothing was saved");
  return pages.loadAll(loaded);
}

/** One process: observes what is sent, and sends what may be sent. Returns true when the rollout has ended. */
async function runStep(world: World, death: Plan["deaths"][number] | undefined): Promise<boolean> {
  const dying = createDeath(death);
  const pages = openPages(world, dying.wrap(world.records));
  const loaded = await pages.load();
  if (loaded === undefined) throw new Error("nothing was saved");
  let rollout = cancelLate(world, observe(world, await sendAgain(world, loaded, dying)));
  for (;;) {
    rollout = await pages.loadWaiting(rollout, world.limits.concurrency);
    rollout = { ...rollout, state: advanceWave(rollout.state, world.limits, world.now) };
    const action = decideRollout(rollout.state, world.limits, world.now);
    if (action.kind === "drop") rollout = dropWaiting(await pages.loadAll(rollout), action.stop);
    else if (action.kind === "send") {
      rollout = noteSending(rollout, toBatch(rollout, Math.min(action.most, world.plan.batch)));
      await pages.save(rollout);
      rollout = await sendAgain(world, rollout, dying);
      await pages.save(rollout);
    } else {
      await pages.save(rollout);
      return action.kind === "settle";
    }
  }
}

function dropWaiting(rollout: Rollout, stop: Stop): Rollout {
  const dropped = updateItems(
    rollout,
    toRow,
    (row): Row => (row.state === "waiting" ? { ...row, state: "unsent" } : row),
  );
  return { ...dropped, state: { ...dropped.state, stop } };
}

function toBatch({ state, pages }: Rollout, most: number): Batch {
  const ready = listItems({ pages }).filter((row) => row.state === "waiting" && row.wave <= state.wave);
  return { n: state.next, ids: ready.slice(0, most).map(({ id }) => id) };
}

/** Rows are stored as sent before they are, so that a stop cannot drop what may have been sent. */
function noteSending(rollout: Rollout, batch: Batch): Rollout {
  const ids = new Set(batch.ids);
  const noted = updateItems(
    rollout,
    toRow,
    (row): Row => (ids.has(row.id) && row.state === "waiting" ? { ...row, state: "sent" } : row),
  );
  return { ...noted, state: { ...noted.state, sending: [batch], next: batch.n + 1 } };
}

/** Sends what is stored to be sent, maybe again, unless the rollout has stopped. */
async function sendAgain(world: World, rollout: Rollout, dying: ReturnType<typeof createDeath>): Promise<Rollout> {
  const { sending, stop } = rollout.state;
  for (const batch of stop === undefined ? sending : []) await dying.run(async () => receive(world, batch, rollout));
  return { ...rollout, state: { ...rollout.state, sending: [] } };
}

function receive(world: World, { n, ids }: Batch, { state }: Rollout): void {
  const { sent, faults, limits } = world;
  for (const id of ids) {
    const before = sent.get(id);
    if (before !== undefined && before.n !== n) faults.push(`${id}: again, as ${n}`);
    if (before !== undefined) continue;
    sent.set(id, { at: world.now, wave: Number(id.split("/")[0]), n });
    const open = [...sent.keys()].filter((each) => !isEnded(world, each)).length;
    if (open > limits.concurrency) faults.push(`${id}: ${open} at once`);
    if (state.stop !== undefined) faults.push(`${id}: after a stop`);
    if (tallyByWave(state).some(({ failed }) => failed > world.plan.maxFailures)) faults.push(`${id}: after failures`);
    faults.push(...findEarlier(world, id));
  }
}

/** Returns rows of earlier waves that had not ended, or had only just ended, when this one was sent. */
function findEarlier(world: World, id: string): readonly string[] {
  const { sent, now, limits } = world;
  const wave = sent.get(id)?.wave ?? 0;
  const tooEarly = [...sent].filter(
    ([other, before]) =>
      before.wave < wave && (!isEnded(world, other) || now < before.at + (limits.pausesMs?.[before.wave] ?? 0)),
  );
  return tooEarly.map(([other]) => `${id}: before ${other}`);
}

function isEnded({ sent, plan, now }: World, id: string): boolean {
  const order = [...sent.keys()].indexOf(id);
  const takes = plan.takes[order % plan.takes.length] ?? 1;
  const begun = sent.get(id)?.at;
  return begun !== undefined && now >= begun + takes * STEP_MS;
}

function observe(world: World, rollout: Rollout): Rollout {
  const { sent, plan } = world;
  const { stop } = rollout.state;
  return updateItems(rollout, toRow, (row): Row => {
    if (row.state !== "sent") return row;
    // Its process died before it was sent.
    if (!sent.has(row.id)) return stop === undefined ? { ...row, state: "waiting" } : { ...row, state: "unsent" };
    if (!isEnded(world, row.id)) return row;
    const order = [...sent.keys()].indexOf(row.id);
    return plan.fails[order % plan.fails.length] === true
      ? { ...row, state: "failed", code: "BROKEN" }
      : { ...row, state: "done" };
  });
}

function cancelLate({ plan, now }: World, rollout: Rollout): Rollout {
  const { state } = rollout;
  if (plan.cancelAt === null || now < plan.cancelAt || state.stop !== undefined) return rollout;
  const stop = { code: "CANCELLED", message: "Cancelled.", retryable: false };
  return { ...rollout, state: { ...state, stop } };
}

/** Dies before or after its nth call of records or receiver: the call is then answered by nothing. */
function createDeath(death: Plan["deaths"][number] | undefined) {
  let calls = 0;
  async function run<Result>(call: () => Promise<Result>): Promise<Result> {
    calls += 1;
    const isLast = calls === death?.at;
    if (isLast && !death?.isAfter) throw new Error("died");
    const result = await call();
    if (isLast) throw new Error("died");
    return result;
  }
  const wrap = (records: Records): Records => ({
    get: (key, now) => run(() => records.get(key, now)),
    put: (input) => run(() => records.put(input)),
    remove: (key, version) => run(() => records.remove(key, version)),
    list: (prefix, page) => run(() => records.list(prefix, page)),
  });
  return { run, wrap };
}
