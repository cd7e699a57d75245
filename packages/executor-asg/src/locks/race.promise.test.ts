import { type Clock, isStackyardError, type Random } from "@stackyard/core";
import { createRandom } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createMemoryLockFiles, createScheduler, type Scheduler, type StoredFiles } from "../testing/fakes.ts";
import { createReleaseLocks, RELEASE_LEASE_MS } from "./release-locks.ts";

const MINUTE_MS = 60_000;
const RACES = 10_000;

/** One race: its files, its time, and who holds the lock by their own account. */
interface Race {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly stored: StoredFiles;
  readonly time: { now: number };
  readonly holders: Map<string, { readonly until: number; readonly token: number; readonly clock: Clock }>;
  readonly faults: string[];
  readonly tokens: number[];
  readonly isUnconditional: boolean;
  wins: number;
}

class Death extends Error {}

/** A deployer: wants the lock, works under it with heartbeats, gives it back; dies at random, or loses answers. */
async function deploy(race: Race, name: string): Promise<void> {
  const { random, scheduler, time } = race;
  const skewMs = Math.round((random() * 4 - 2) * MINUTE_MS);
  const clock: Clock = { now: () => time.now + skewMs, sleep: () => scheduler.turn() };
  const diesAt = random() < 0.2 ? Math.floor(random() * 14) : Number.POSITIVE_INFINITY;
  let calls = 0;
  const meet = async () => {
    await scheduler.turn();
    calls += 1;
    if (calls >= diesAt) throw new Death();
  };
  const hooks = { before: meet, after: meet, isUnconditional: race.isUnconditional };
  const locks = createReleaseLocks({
    files: createMemoryLockFiles(hooks, race.stored),
    clock,
    generation: "odin",
  });
  const key = { aws_account_id: "1", project_name: "p", config_name: "c", release_id: `r-${name}` };
  try {
    for (let tries = 0; tries < 2; tries += 1) {
      const askedAt = clock.now();
      const answer = await locks.acquire(key, name);
      if (answer.kind === "held") continue;
      race.wins += 1;
      hold(race, name, { until: askedAt + RELEASE_LEASE_MS, token: answer.fencingToken, clock });
      await work(race, { name, locks, key, clock, token: answer.fencingToken });
      return;
    }
  } catch (error) {
    // A dead one acts no more, and one whose lock failed does not begin.
    race.holders.delete(name);
    if (!(error instanceof Death) && !isStackyardError(error)) throw error;
  }
}

interface Work {
  readonly name: string;
  readonly locks: ReturnType<typeof createReleaseLocks>;
  readonly key: Parameters<ReturnType<typeof createReleaseLocks>["acquire"]>[0];
  readonly clock: Clock;
  readonly token: number;
}

async function work(race: Race, { name, locks, key, clock, token }: Work): Promise<void> {
  for (let steps = 0; steps < 3; steps += 1) {
    const askedAt = clock.now();
    if ((await locks.renew(key, name)) !== "held") return void race.holders.delete(name);
    hold(race, name, { until: askedAt + RELEASE_LEASE_MS, token, clock });
    await race.scheduler.turn();
  }
  race.holders.delete(name);
  await locks.release(key, name);
}

/** A process that acts must be the only one that may act. */
function hold(race: Race, name: string, holding: { until: number; token: number; clock: Clock }): void {
  // An answer that comes after the end of its lease gives no right to act.
  if (holding.clock.now() > holding.until) return void race.holders.delete(name);
  race.holders.set(name, holding);
  const live = [...race.holders].filter(([, { until, clock }]) => clock.now() <= until);
  if (live.length > 1) race.faults.push(`${live.map(([each]) => each).join(" and ")} hold the lock`);
  const last = race.tokens.at(-1) ?? 0;
  if (holding.token < last) race.faults.push(`${name} has token ${holding.token} after ${last}`);
  race.tokens.push(holding.token);
}

async function runRace(seed: number, isUnconditional = false): Promise<Race> {
  const random = createRandom(seed);
  const scheduler = createScheduler(random);
  const time = { now: Date.UTC(2026, 0, 1) };
  const race: Race = {
    random,
    scheduler,
    time,
    isUnconditional,
    stored: new Map(),
    holders: new Map(),
    faults: [],
    tokens: [],
    wins: 0,
  };
  const jumps = random() < 0.5;
  await scheduler.run([deploy(race, "a"), deploy(race, "b")], () => {
    time.now += 100;
    // One process is away for longer than a lease lasts.
    if (jumps && random() < 0.05) time.now += RELEASE_LEASE_MS + Math.round((random() * 16 - 8) * MINUTE_MS);
  });
  return race;
}

describe("two deployers that race for one project-config", () => {
  it(`are never both winners, in ${RACES} orders of their awaits, with deaths, absences and clocks off by two minutes`, async () => {
    const outcomes = { none: 0, one: 0, both: 0 };
    for (let seed = 1; seed <= RACES; seed += 1) {
      const { faults, wins } = await runRace(seed);
      if (faults.length > 0) expect.fail(`Seed ${seed}: ${faults.join("; ")}`);
      outcomes[wins === 0 ? "none" : wins === 1 ? "one" : "both"] += 1;
    }

    expect(outcomes.one).toBeGreaterThan(RACES / 4);
    // One after the other.
    expect(outcomes.both).toBeGreaterThan(100);
  });

  it("would be, were a write not conditional: the races find that", async () => {
    let found = 0;
    for (let seed = 1; seed <= 2_000; seed += 1) found += (await runRace(seed, true)).faults.length;

    expect(found).toBeGreaterThan(0);
  });
});
