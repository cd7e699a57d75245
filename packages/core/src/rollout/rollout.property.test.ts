import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import type { Records } from "../ports/records.ts";
import { advanceWave, decideRollout } from "./decide-rollout.ts";
import { addItems, listItems, type Paged, updateItems } from "./paged-items.ts";
import { createPages, type Pages } from "./pages.ts";
import type { Batch, Limits, RolloutState, Row, Stop } from "./rollout.ts";
import { addTallies, tallyByWave } from "./tally.ts";

type Rollout = Paged<Row>;

const PAGE_ROWS = 4;
const STEP_MS = 500;
const toRow = (row: Row): Row => row;

const plans = fc.record({
  waves: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
  concurrency: fc.integer({ min: 1, max: 7 }),
  maxFailures: fc.integer({ min: 0, max: 3 }),
  pauseMs: fc.constantFrom(0, 700, 2_000),
  batch: fc.option(fc.record({ size: fc.integer({ min: 1, max: 4 }), most: fc.integer({ min: 1, max: 3 }) })),
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
    uncounted: [],
    pausesMs: plan.waves.map(() => plan.pauseMs),
    ...(plan.batch && { batch: { ...plan.batch, partialAfterMs: 1_000 } }),
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
    Array.from({ length: count }, (_, at): Row => ({ id: `${wave}/${at}`, wave, try: 1, state: "waiting" })),
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
    state: { read: (value) => value as RolloutState, write: (state) => state },
    page: { read: (value) => value as readonly Row[], fit: (items) => items, toHead: () => ({}) },
  });
}

async function loadWhole(world: World): Promise<Rollout> {
  const pages = openPages(world, world.records);
  const loaded = await pages.load();
  if (loaded === undefined) throw new Error("nothing was saved");
  return pages.loadAll(loaded);
}

/** One process: looks at what is sent, and sends what may be sent. Returns true when the rollout has ended. */
async function runStep(world: World, death: Plan["deaths"][number] | undefined): Promise<boolean> {
  const dying = createDeath(death);
  const pages = openPages(world, dying.wrap(world.records));
  const loaded = await pages.load();
  if (loaded === undefined) throw new Error("nothing was saved");
  let rollout = cancelLate(world, observe(world, loaded));
  for (;;) {
    rollout = await pages.loadWaiting(rollout, world.limits.concurrency);
    rollout = { ...rollout, state: advanceWave(rollout.state, world.limits, world.now) };
    const waiting = listItems(rollout).filter(({ state }) => state === "waiting");
    const action = decideRollout(rollout.state, waiting, world.limits, world.now);
    if (action.kind === "drop") rollout = dropWaiting(await pages.loadAll(rollout), action.stop);
    else if (action.kind === "send") {
      rollout = noteSending(rollout, action.batches, world.now);
      await pages.save(rollout);
      for (const batch of action.batches) await dying.run(async () => receive(world, batch, rollout));
      rollout = { ...rollout, state: { ...rollout.state, sending: [] } };
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

/** Rows are stored as sent before they are, so that a stop cannot drop what may have been sent. */
function noteSending(rollout: Rollout, batches: readonly Batch[], now: number): Rollout {
  const ids = new Set(batches.flatMap((batch) => batch.ids));
  const noted = updateItems(
    rollout,
    toRow,
    (row): Row => (ids.has(row.id) && row.state === "waiting" ? { ...row, state: "sent" } : row),
  );
  const next = Math.max(rollout.state.next, ...batches.map(({ n }) => n + 1));
  return { ...noted, state: { ...noted.state, sending: batches, next, lastSentAt: now } };
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
      before.wave < wave && (!isEnded(world, other) || now < before.at + (limits.pausesMs[before.wave] ?? 0)),
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
  const { sending, stop } = rollout.state;
  const open = new Set(stop === undefined ? sending.flatMap(({ ids }) => ids) : []);
  return updateItems(rollout, toRow, (row): Row => {
    if (row.state !== "sent" || open.has(row.id)) return row;
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
  return { ...rollout, state: { ...state, cancelledAt: state.cancelledAt ?? now, stop } };
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
