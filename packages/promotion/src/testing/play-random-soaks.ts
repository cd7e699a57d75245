import type { Stack } from "@stackyard/core";
import { endFreeze, startFreeze } from "@stackyard/core/services";
import { createRandom } from "@stackyard/core/testing";
import type { DeployRow, DeployState } from "../deploy/deploy-row.ts";
import { createHolds } from "../holds/create-holds.ts";
import {
  aReleaseYard,
  type ReleaseYard,
  type ReleaseYardInput,
  TENANT,
  TO_TENANTS,
  toReleaseMachine,
} from "./a-release-yard.ts";
import type { RandomCourse } from "./play-random-releases.ts";

const MINUTE = 60_000;
const SOAK_MS = 60 * MINUTE;
const TENANTS = 5;
const VERSIONS = ["1.42.0", "1.43.0"] as const;
const ACTIONS = 24;

/** Environments that a monitor breaks and repairs. */
const MONITORED = TENANT.replace("  PAUSE: {}", "  PAUSE: {}\n  UNHEALTHY: {}\n  HEALTHY: {}")
  .replace("CHECK: CHECKING,", "CHECK: CHECKING, UNHEALTHY: BROKEN,")
  .replace("BROKEN: { on: { RELEASED: BUILD } }", "BROKEN: { on: { RELEASED: BUILD, HEALTHY: LIVE } }");

/** Two of five are canaries; after them is a pause, and after all a soak, of an hour each. */
function toMachine(maxFailures: number): string {
  const waves = [{ name: "canary", share: "40%", pause: "1h" }, { name: "rest" }];
  const tasks = {
    tenants: { executor: "deploy", config: { ...TO_TENANTS, waves, maxFailures } },
    soak: { executor: "gate", needs: ["tenants"], config: { soak: { of: "tenants", for: "1h" } } },
  };
  return toReleaseMachine({ tasks, go: ["tenants", "soak"] });
}

/** A tenant at an instant, and the version that runs there. */
interface Sample extends Pick<Stack, "incarnation" | "state" | "releases"> {
  readonly api: unknown;
  readonly ran: unknown;
}

/** The tenants and releases at an instant. */
interface Look {
  readonly at: number;
  readonly tenants: ReadonlyMap<string, Sample>;
  readonly releases: ReadonlyMap<string, ReleaseLook>;
}

interface ReleaseLook {
  readonly stack: Stack | undefined;
  readonly state: DeployState | undefined;
  readonly rows: readonly DeployRow[];
}

interface Course extends ReleaseYard {
  readonly maxFailures: number;
  readonly looks: Look[];
  readonly seen: Map<string, number>;
  readonly faults: Set<string>;
  /** Attempts of which an event of the second wave was seen. */
  readonly begun: Set<string>;
  /** When tenants were in trouble that was over before anyone has looked. */
  readonly blinks: { readonly stack: string; readonly at: number; readonly what: string }[];
}

type Act = (course: Course, pick: (count: number) => number) => Promise<unknown>;

/** Picks a tenant, half of the times a canary. */
function pickTenant({ looks }: Course, pick: (count: number) => number): string {
  const rows = looks.at(-1)?.releases.get(VERSIONS[0])?.rows ?? [];
  const canaries = rows.filter(({ wave }) => wave === 0).map(({ stack }) => stack);
  const canary = pick(2) === 0 ? canaries[pick(canaries.length)] : undefined;
  return canary ?? `t${pick(TENANTS)}`;
}

const toDeps = ({ yard }: ReleaseYard) => ({ records: yard.store.records, clock: yard.clock });
const REMOVAL = { force: true, reason: "test" };

const ACTS: Readonly<Record<string, Act>> = {
  unhealthy: (course, pick) => course.send(pickTenant(course, pick), "UNHEALTHY"),
  healthy: (course, pick) => course.send(pickTenant(course, pick), "HEALTHY"),
  async blink(course, pick) {
    const id = pickTenant(course, pick);
    if ((await course.yard.findStack(id))?.state !== "LIVE") return;
    course.blinks.push({ stack: id, at: course.yard.clock.now(), what: "was broken" });
    await course.send(id, "UNHEALTHY");
    await course.send(id, "HEALTHY");
  },
  /** Another value for a moment. */
  async flip(course, pick) {
    const id = pickTenant(course, pick);
    const stack = await course.yard.findStack(id);
    if (stack?.state !== "LIVE") return;
    course.blinks.push({ stack: id, at: course.yard.clock.now(), what: "had another value" });
    for (const api of ["by hand", stack.metadata["api"]]) await course.send(id, "PUSHED", { metadata: { api } });
  },
  byHand: (course, pick) =>
    course.send(pickTenant(course, pick), "PUSHED", { metadata: { api: `by hand ${pick(9)}` } }),
  remove: (course, pick) => course.send(pickTenant(course, pick), "REMOVE_STACK", REMOVAL),
  async removeAll(course, pick) {
    if (pick(4) > 0) return;
    for (let index = 0; index < TENANTS; index += 1) await course.send(`t${index}`, "REMOVE_STACK", REMOVAL);
  },
  async anew(course, pick) {
    const id = pickTenant(course, pick);
    await course.send(id, "REMOVE_STACK", REMOVAL);
    await course.send(id, "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
  },
  check: (course, pick) => course.send(pickTenant(course, pick), "CHECK"),
  retry: (course) => course.send(`shop-${VERSIONS[0]}`, "RETRY_FAILED_TASKS"),
  again: (course) => course.send(`shop-${VERSIONS[0]}`, "AGAIN"),
  next: (course, pick) => (pick(3) === 0 ? course.start(VERSIONS[1]) : Promise.resolve()),
  freeze: (course) =>
    startFreeze(toDeps(course), { name: "winter", reason: "test", by: "ada", machine: "tenant" }).catch(() => {}),
  thaw: (course) => endFreeze(toDeps(course), "winter").catch(() => {}),
};
const NAMES = Object.keys(ACTS);

/**
 * Lets a release with a pause and a soak, a newer one, monitors, people and freezes act in a random order. What a wave, the
 * end of a task and a soak have passed is judged by what the tenants were and ran, seen from outside every two minutes.
 */
export async function playRandomSoaks(
  seed: number,
  input: Pick<ReleaseYardInput, "plant"> = {},
): Promise<RandomCourse> {
  const random = createRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const maxFailures = seed % 2;
  const bench = aReleaseYard({ seed, createHolds, tenant: MONITORED, release: toMachine(maxFailures), ...input });
  const none = { looks: [], seen: new Map(), faults: new Set<string>(), begun: new Set<string>(), blinks: [] };
  const course: Course = { ...bench, ...none, maxFailures };
  await course.addTenants(TENANTS);
  await course.start(VERSIONS[0]);
  for (let index = 0; index < ACTIONS; index += 1) {
    await wait(course, 1 + pick(12));
    const name = NAMES[pick(NAMES.length)] ?? "check";
    count(course, name);
    await ACTS[name]?.(course, pick);
    await look(course);
  }
  await ACTS["thaw"]?.(course, pick);
  await wait(course, 70);
  return { faults: [...course.faults], seen: Object.fromEntries(course.seen) };
}

function count({ seen }: Course, name: string): void {
  seen.set(name, (seen.get(name) ?? 0) + 1);
}

async function wait(course: Course, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await course.yard.advance(2 * MINUTE);
    await look(course);
  }
}

async function look(course: Course): Promise<void> {
  const before = course.looks.at(-1);
  const now: Look = { at: course.yard.clock.now(), tenants: new Map(), releases: new Map() };
  const seen = { ...now, tenants: await lookAtTenants(course), releases: await lookAtReleases(course) };
  course.looks.push(seen);
  if (before === undefined) return;
  for (const [version, release] of seen.releases) {
    const earlier = before.releases.get(version);
    if (earlier !== undefined) judge(course, { version, before, now: seen, earlier, release });
  }
}

async function lookAtTenants({ yard, ran }: Course): Promise<ReadonlyMap<string, Sample>> {
  const ids = Array.from({ length: TENANTS }, (_, index) => `t${index}`);
  const loaded = await yard.store.load(ids);
  const samples = loaded.flatMap(({ stackId, stack }) => {
    if (stack === undefined) return [];
    const { incarnation, state, releases, metadata } = stack;
    const sample: Sample = {
      incarnation,
      state,
      api: metadata["api"],
      ran: ran.get(stackId),
      ...(releases && { releases }),
    };
    return [[stackId, sample] as const];
  });
  return new Map(samples);
}

async function lookAtReleases({ yard, stateOf, rowsOf }: Course): Promise<ReadonlyMap<string, ReleaseLook>> {
  const found = new Map<string, ReleaseLook>();
  for (const version of VERSIONS) {
    const stack = await yard.findStack(`shop-${version}`);
    if (stack === undefined) continue;
    found.set(version, { stack, state: await stateOf(version), rows: await rowsOf(version) });
  }
  return found;
}

/** Two looks at a release, one after the other. */
interface Step {
  readonly version: string;
  readonly before: Look;
  readonly now: Look;
  readonly earlier: ReleaseLook;
  readonly release: ReleaseLook;
}

function judge(course: Course, step: Step): void {
  judgeWave(course, step);
  judgeEnd(course, step);
  judgeSoak(course, step);
}

/** The second wave of an attempt has got its first event: the canaries that were in trouble are no more than may fail. */
function judgeWave(course: Course, step: Step): void {
  const { version, before, release } = step;
  const { state, rows } = release;
  const attempt = `${version}/${state?.entry}/${state?.attempt}`;
  const isSent = rows.some(({ wave, sentAt = 0 }) => wave === 1 && sentAt > before.at);
  if (!isSent || course.begun.has(attempt)) return;
  course.begun.add(attempt);
  count(course, "second wave");
  const lost = listLost(step).filter(({ wave }) => wave === 0);
  if (lost.length > course.maxFailures) {
    course.faults.add(`The second wave of ${version} has begun without ${lost.map(({ why }) => why).join(" and ")}.`);
  }
}

/** The task has succeeded: in each wave, no more are in trouble than may fail. */
function judgeEnd(course: Course, step: Step): void {
  const { version, earlier, release } = step;
  const statusOf = ({ stack }: ReleaseLook) => stack?.tasks.find(({ name }) => name === "tenants")?.status;
  if (statusOf(earlier) !== "PENDING" || statusOf(release) !== "SATISFIED") return;
  count(course, "task ended");
  const waves = Map.groupBy(listLost(step), ({ wave }) => wave);
  for (const lost of waves.values()) {
    if (lost.length <= course.maxFailures) continue;
    course.faults.add(`The task of ${version} has succeeded without ${lost.map(({ why }) => why).join(" and ")}.`);
  }
}

interface Lost {
  readonly wave: number;
  readonly why: string;
}

/** Lists the stacks that have failed, or had arrived and were in trouble at both looks. */
function listLost({ version, before, now, earlier, release }: Step): readonly Lost[] {
  const createdAt = release.stack?.createdAt ?? 0;
  const known = new Map(earlier.rows.map((row) => [row.stack, row]));
  return release.rows.flatMap(({ stack, wave, state, try: tries }): readonly Lost[] => {
    if (state === "failed") return [{ wave, why: `${stack}, which has failed` }];
    const row = known.get(stack);
    // What was sent again between the looks has arrived again.
    if (row === undefined || !isArrived(row) || row.try !== tries) return [];
    const whys = [before, now].map((look) => {
      const sample = look.tenants.get(stack);
      const isNewer = (sample?.releases?.["api"]?.createdAt ?? 0) > createdAt;
      return sample === undefined || isNewer ? undefined : findTrouble(sample, row, version);
    });
    const [first, second] = whys;
    return first === undefined || second === undefined ? [] : [{ wave, why: `${stack}, which ${second}` }];
  });
}

function isArrived({ state }: DeployRow): boolean {
  return state === "done" || state === "unchanged";
}

/** Returns why a tenant is not what its row has arrived with. */
function findTrouble(sample: Sample, row: DeployRow, version: string): string | undefined {
  if (row.incarnation !== undefined && row.incarnation !== sample.incarnation) return "was made anew";
  if (sample.state === "BROKEN") return "is broken";
  if (sample.api !== version) return "was set by hand";
  return sample.state === "LIVE" && sample.ran !== version ? "runs something else" : undefined;
}

/** The soak has opened: in its whole time each stack was what its row has arrived with, and there was at least one. */
function judgeSoak(course: Course, step: Step): void {
  const { version, before, now, earlier, release } = step;
  if (earlier.stack?.state !== "GO" || release.stack?.state !== "DONE") return;
  count(course, "soak opened");
  const rows = release.rows.filter(isArrived);
  const within = course.looks.filter(({ at }) => at >= now.at - SOAK_MS + 4 * MINUTE && at <= before.at);
  // A rule selects what there is: one that was removed does not count.
  for (const row of rows.filter(({ stack }) => now.tenants.has(stack))) {
    for (const { tenants } of within) {
      const sample = tenants.get(row.stack);
      const why = sample && findTrouble(sample, row, version);
      if (why !== undefined) course.faults.add(`${version} has soaked with ${row.stack}, which ${why}.`);
    }
    const blinks = course.blinks.filter(({ stack, at }) => stack === row.stack && at + SOAK_MS > now.at);
    for (const { what } of blinks) {
      course.faults.add(`${version} has soaked with ${row.stack}, which ${what} for a moment.`);
    }
  }
  const isEmpty = rows.every(({ stack }) => !before.tenants.has(stack) && !now.tenants.has(stack));
  if (isEmpty) course.faults.add(`${version} has soaked without a stack.`);
}
