import { endFreeze, startFreeze } from "@stackyard/core/services";
import { createRandom } from "@stackyard/core/testing";
import type { DeployRow } from "../deploy/deploy-row.ts";
import { createHolds } from "../holds/create-holds.ts";
import { aReleaseYard, type ReleaseYard, type ReleaseYardInput, TENANT } from "./a-release-yard.ts";

/** The result of a random course of releases. */
export interface RandomCourse {
  /** Sentences about what must never be. */
  readonly faults: readonly string[];
  /** The counts of each action and of each end of a row. */
  readonly seen: Readonly<Record<string, number>>;
}

const TENANTS = 5;
const VERSIONS = ["1.42.0", "1.43.0", "1.44.0"] as const;
/** Comes after all others, and finds its version at some tenants. */
const LAST = "1.45.0";
const ACTIONS = 30;

type Act = (course: Course, pick: (count: number) => number) => Promise<void>;

/** One course under way. */
interface Course extends ReleaseYard {
  readonly seen: Map<string, number>;
  readonly started: string[];
  /** When a release had to stop and its task had ended, by its id. */
  readonly stopped: Map<string, number>;
}

const ACTS: Readonly<Record<string, Act>> = {
  async start(course) {
    const version = VERSIONS[course.started.length];
    if (version === undefined) return;
    course.started.push(version);
    await course.start(version);
  },
  async stop(course, pick) {
    await tell(course, pick, "STOP");
  },
  async again(course, pick) {
    await tell(course, pick, "AGAIN");
  },
  async undo(course, pick) {
    await tell(course, pick, "ROLLBACK");
  },
  async retry(course, pick) {
    await tell(course, pick, "RETRY_FAILED_TASKS");
  },
  async byHand(course, pick) {
    await course.send(`t${pick(TENANTS)}`, "PUSHED", { metadata: { api: `by hand ${pick(9)}` } });
  },
  /** A person is ahead of the releases. */
  async ahead(course, pick) {
    await course.send(`t${pick(TENANTS)}`, "RELEASED", { metadata: { api: VERSIONS[pick(VERSIONS.length)] } });
  },
  async check(course, pick) {
    await course.send(`t${pick(TENANTS)}`, "CHECK");
  },
  async recreate(course, pick) {
    const id = `t${pick(TENANTS)}`;
    await course.send(id, "REMOVE_STACK", { force: true, reason: "test" });
    await course.send(id, "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
  },
  async break(course, pick) {
    const id = `t${pick(TENANTS)}`;
    if (!course.broken.delete(id)) course.broken.add(id);
  },
  async freeze(course) {
    await startFreeze(toDeps(course), { name: "winter", reason: "test", by: "ada", machine: "tenant" }).catch(ignore);
  },
  async thaw(course) {
    await endFreeze(toDeps(course), "winter").catch(ignore);
  },
  async wait(course, pick) {
    await course.yard.advance(1 + pick(120) * 1_000);
  },
};
const NAMES = Object.keys(ACTS);

/** A freeze that is there already, or is not, changes nothing. */
function ignore(): void {}

function toDeps({ yard }: ReleaseYard) {
  return { records: yard.store.records, clock: yard.clock };
}

async function tell(course: Course, pick: (count: number) => number, event: string): Promise<void> {
  const version = course.started[pick(course.started.length)];
  if (version === undefined) return;
  const id = `shop-${version}`;
  course.stopped.delete(id);
  await course.send(id, event);
}

/**
 * Lets three releases at five tenants, people and freezes act in a random order, while processes die, until everything
 * comes to rest. Then a last release comes, and all are sent again.
 */
export async function playRandomReleases(
  seed: number,
  input: Pick<ReleaseYardInput, "plant"> = {},
): Promise<RandomCourse> {
  const random = createRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  // Half of the yards stay on what ran before when an update fails.
  const tenant = seed % 2 === 0 ? {} : { tenant: TENANT.replace("FAILED: BROKEN", "FAILED: LIVE") };
  const faulty = { crashRate: 0.002, duplicateRate: 0.1, leaseMs: 10_000 };
  const bench = aReleaseYard({
    seed,
    ...faulty,
    createHolds,
    config: { concurrency: 2, maxFailures: 1 },
    ...tenant,
    ...input,
  });
  const course: Course = { ...bench, seen: new Map(), started: [], stopped: new Map() };
  await course.addTenants(TENANTS);
  await course.yard.advance(70_000);
  await ACTS["start"]?.(course, pick);
  for (let index = 0; index < ACTIONS; index += 1) {
    // Time passes in half of the actions.
    const name = random() < 0.5 ? "wait" : (NAMES[pick(NAMES.length)] ?? "wait");
    count(course, name);
    await ACTS[name]?.(course, pick);
    await noteStopped(course);
  }
  course.broken.clear();
  await ACTS["thaw"]?.(course, pick);
  await rest(course);
  const faults = await listFaults(course);
  await sendAllAgain(course, pick);
  await rest(course);
  const later = await listFaults(course);
  return { faults: [...new Set([...faults, ...later])], seen: Object.fromEntries(course.seen) };
}

async function rest(course: Course): Promise<void> {
  for (let hour = 0; hour < 4; hour += 1) {
    await course.yard.advance(3_600_000);
    await noteStopped(course);
  }
}

/** A person is ahead of the last release; then all are sent again, in a random order. */
async function sendAllAgain(course: Course, pick: (count: number) => number): Promise<void> {
  const { send, start, started, yard } = course;
  await send(`t${pick(TENANTS)}`, "RELEASED", { metadata: { api: LAST } });
  await yard.advance(30_000);
  started.push(LAST);
  await start(LAST);
  for (const _ of started) {
    await yard.advance(pick(600) * 1_000);
    await noteStopped(course);
    await tell(course, pick, "AGAIN");
  }
}

function count({ seen }: Course, name: string): void {
  seen.set(name, (seen.get(name) ?? 0) + 1);
}

async function noteStopped({ yard, started, stopped }: Course): Promise<void> {
  for (const version of started) {
    const id = `shop-${version}`;
    const stack = await yard.findStack(id);
    if (stack?.state === "STOPPED" && stack.runs.length === 0 && !stopped.has(id)) stopped.set(id, yard.clock.now());
  }
}

async function listFaults(course: Course): Promise<readonly string[]> {
  const { yard, started } = course;
  const faults = [...(await yard.findViolations())];
  for (const version of started) {
    const stack = await yard.findStack(`shop-${version}`);
    const open = stack?.tasks.filter(({ status }) => status === "PENDING") ?? [];
    for (const { name } of open) faults.push(`The task ${name} of ${version} does not end.`);
  }
  for (let index = 0; index < TENANTS; index += 1) {
    faults.push(...listFaultsOf(course, `t${index}`, await yard.listHistory(`t${index}`)));
  }
  for (const version of started) {
    for (const row of await course.rowsOf(version)) {
      count(course, `row ${row.state}`);
      const lines = await yard.listHistory(row.stack);
      const applied = lines.filter((line) => isOf(line, `shop-${version}`) && line.release?.restores === undefined);
      if (applied.length > row.try) faults.push(`${row.stack} has applied more events of ${version} than were tried.`);
      faults.push(...(await listPassed(course, row, { version, lines })));
    }
    faults.push(...(await listNotRunning(course, version)));
  }
  return faults;
}

/** The values that a release has found or brought stay when an older one is retried or undone. */
async function listPassed(
  { yard }: Course,
  { stack, incarnation, state, at }: DeployRow,
  { version, lines }: { readonly version: string; readonly lines: readonly HistoryLine[] },
): Promise<readonly string[]> {
  if (state !== "done" && state !== "unchanged") return [];
  const createdAt = (await yard.findStack(`shop-${version}`))?.createdAt ?? 0;
  // Another stack of this id has never had it.
  const own = lines.filter((line) => line.incarnation === undefined || line.incarnation === incarnation);
  // Nor does an undo leave it, also one that has failed to build.
  const isUndone = own.some(({ outcome, release, at: later }) => {
    return outcome === "applied" && release?.id === `shop-${version}` && release.restores !== undefined && later > at;
  });
  if (isUndone) return [];
  const older = own.filter(({ at: later, outcome, release, from, to }) => {
    return outcome === "applied" && release !== undefined && release.createdAt < createdAt && later > at && from !== to;
  });
  return older.map(({ release }) => `${stack} of ${version} was taken by ${release?.id}.`);
}

/** A row is done when its version runs: that is what the last task that succeeded has deployed, whatever the metadata says. */
async function listNotRunning({ yard, ran, rowsOf }: Course, version: string): Promise<readonly string[]> {
  const sent = (await rowsOf(version)).map((row) => ({ row, wanted: version as unknown }));
  const undone = (await rowsOf(version, "undo")).map((row) => ({ row, wanted: row.from?.["api"]?.value }));
  const faults: string[] = [];
  for (const { row, wanted } of [...sent, ...undone]) {
    const stack = await yard.findStack(row.stack);
    const isKept = stack?.metadata["api"] === wanted && stack?.incarnation === row.incarnation;
    if (row.state !== "done" || !isKept || ran.get(row.stack) === wanted) continue;
    // What was sent to it since has its own row.
    const lines = await yard.listHistory(row.stack);
    if (lines.some(({ event, outcome, at }) => event === "RELEASED" && outcome === "applied" && at > row.at)) continue;
    faults.push(`${row.stack} does not run what its row is done with.`);
  }
  return faults;
}

type HistoryLine = Awaited<ReturnType<ReleaseYard["yard"]["listHistory"]>>[number];

function isOf({ outcome, release }: HistoryLine, id: string): boolean {
  return outcome === "applied" && release?.id === id;
}

/** Examines what a tenant has applied, oldest first. */
function listFaultsOf({ stopped }: Course, id: string, lines: readonly HistoryLine[]): readonly string[] {
  const applied = lines.filter(({ outcome, release }) => outcome === "applied" && release !== undefined);
  const events = Map.groupBy(applied, ({ eventId }) => eventId);
  const twice = [...events].filter(([, same]) => same.length > 1).map(([event]) => `${id} has applied ${event} twice.`);
  const late = applied.flatMap(({ release, at }) => {
    const stoppedAt = stopped.get(release?.id ?? "") ?? Number.POSITIVE_INFINITY;
    return at > stoppedAt ? [`${id} has moved after ${release?.id} had stopped.`] : [];
  });
  return [...twice, ...late, ...listSteps(lines).flatMap((step) => listStepsBack(id, step))];
}

type Release = NonNullable<HistoryLine["release"]>;

/**
 * Returns the releases that have come one after another. What was before an undo, and another stack of this id, is not
 * known: a new list begins.
 */
function listSteps(lines: readonly HistoryLine[]): readonly (readonly Release[])[] {
  const steps: Release[][] = [[]];
  for (const { outcome, release } of lines) {
    if (outcome === "removed" || release?.restores !== undefined) steps.push([]);
    else if (outcome === "applied" && release !== undefined) steps.at(-1)?.push(release);
  }
  return steps;
}

function listStepsBack(id: string, releases: readonly Release[]): readonly string[] {
  return releases.flatMap((release, index) => {
    const before = releases[index - 1];
    if (before === undefined || before.createdAt <= release.createdAt) return [];
    return [`${id} went from ${before.id} back to ${release.id}.`];
  });
}
