import type { Executor, Stack } from "@stackyard/core";
import type { PlantedBug, Sky, Story } from "@stackyard/core/testing";
import {
  type Failing,
  findRunBefore,
  findShop,
  MINUTE_MS,
  openReleaseLife,
  type ReleaseLife,
  wish,
} from "./a-release-life.ts";
import { hearRelease, judgeEnd } from "./hear-release.ts";
import { actInLife } from "./release-changes.ts";

const LOOK_MS = 30_000;
const MOST_LOOKS = 100;

async function look(life: ReleaseLife, where: string, times = 1): Promise<void> {
  const proceed = () => life.yard.advance(LOOK_MS);
  for (let count = 0; count < times; count += 1) {
    await life.sky.meet(`look.${where}`, {}, proceed, (name) => actInLife(life, name));
    await hearRelease(life);
  }
}

/** A pause is a moment of its own: what changes there is what a retry must not forget. */
async function findWhere(life: ReleaseLife): Promise<string> {
  if (life.part === "undo") return "undo";
  const state = await life.stateOf(life.version, life.task);
  if (state?.endedAt !== undefined) return "soak";
  return state?.waveEndedAt === undefined ? "release" : "pause";
}

/** What needs a task that has failed stays pending. */
function rests(release: Stack | undefined): boolean {
  const { tasks = [] } = release ?? {};
  return tasks.some(({ status }) => status === "ERROR") || tasks.every(({ status }) => status !== "PENDING");
}

async function lookUntilRest(life: ReleaseLife): Promise<void> {
  for (let count = 0; count < MOST_LOOKS; count += 1) {
    if (rests(await findShop(life))) return;
    await look(life, await findWhere(life));
  }
  throw new Error(`The release does not rest: ${await life.taskOf(life.version, life.task)}`);
}

/** Where it has failed, its person waits for two minutes and tries again, at most twice. */
async function lookUntilDone(life: ReleaseLife, again: string): Promise<void> {
  await lookUntilRest(life);
  for (let tries = 0; tries < 2 && (await findShop(life))?.state !== "DONE"; tries += 1) {
    life.sky.phase(`${life.part}, failed`);
    await look(life, "failed", 4);
    life.sky.phase(`${life.part}, again`);
    await life.send(`shop-${life.version}`, again).catch(() => undefined);
    await lookUntilRest(life);
  }
  life.sky.phase(`${life.part}, rests`);
  await look(life, "rest", 2);
}

async function release(life: ReleaseLife, version: string): Promise<void> {
  Object.assign(life, { version, part: `release ${version}` });
  life.sky.phase(life.part);
  wish(life, "release", () => ({ api: version, web: `w-${version}` }));
  await life.start(version);
  await lookUntilDone(life, "AGAIN");
}

async function undo(life: ReleaseLife): Promise<void> {
  for (const back of life.backs.splice(0)) await back(life);
  life.part = "undo";
  life.sky.phase(life.part);
  wish(life, "undo", (stack) => findRunBefore(life, stack, life.version));
  await life.send(`shop-${life.version}`, "ROLLBACK");
  await lookUntilDone(life, "RETRY_FAILED_TASKS");
}

interface Variant {
  readonly name: string;
  readonly failing: readonly Failing[];
  readonly planted: readonly (Omit<PlantedBug, "play"> & { readonly plant: (executor: Executor) => Executor })[];
}

/** The life of releases: two over three tenants in two waves, each with a soak, and the undo of the second. */
export function releaseLife({ name, failing, planted }: Variant): Story {
  const fair = new Map<string, string>();
  const toPlay = (plant?: (executor: Executor) => Executor) => async (sky: Sky) => {
    const life = await openReleaseLife(sky, plant);
    life.fails.push(...failing);
    await release(life, "1.42.0");
    await release(life, "1.43.0");
    await undo(life);
    await sky.clear();
    await life.yard.advance(120 * MINUTE_MS);
    await hearRelease(life);
    const said = await judgeEnd(life, fair);
    const nothing = { begun: {}, ended: [], left: [], foreign: [], views: {} };
    return { verdict: "unknown", truth: "succeeded", said, ...nothing, untrue: life.untrue } as const;
  };
  return { name, play: toPlay(), planted: planted.map(({ plant, ...bug }) => ({ ...bug, play: toPlay(plant) })) };
}
