import type { Executor, Stack } from "@stackyard/core";
import type { Sky, Untrue } from "@stackyard/core/testing";
import { aReleaseYard, type ReleaseYard, TENANT, TO_TENANTS, toReleaseMachine } from "../a-release-yard.ts";

type Values = Readonly<Record<string, unknown>>;

/** The values that a tenant should run, since an instant. `person`: set by hand, beside all releases. */
export interface Wish {
  readonly at: number;
  readonly by: "start" | "release" | "undo" | "person";
  readonly stack: string;
  readonly values: Values;
}

/** The values that a build has written. */
interface Built {
  readonly stack: string;
  readonly at: number;
  readonly values: Values;
}

/** The failure of the next build of a tenant, in the part of the life that has this name. */
export interface Failing {
  readonly stack: string;
  readonly part: string;
}

/** Two releases over three tenants in two waves, and an undo: its hands, its ears and the truth of its simulation. */
export interface ReleaseLife extends ReleaseYard {
  readonly sky: Sky;
  /** Oldest first. */
  readonly builds: readonly Built[];
  readonly wishes: Wish[];
  readonly fails: Failing[];
  readonly untrue: Untrue[];
  /** The statements that were judged, by an instant and what they are about. */
  readonly judged: Set<string>;
  /** What was done beside the releases. */
  readonly acts: Set<string>;
  /** Ways back that are played before the undo. */
  readonly backs: ((life: ReleaseLife) => Promise<void>)[];
  /** The part that is played: `release 1.42.0`. */
  part: string;
  version: string;
  /** The task's name in the document. */
  task: string;
  /** Releases bring another key. */
  hasJobs: boolean;
}

export const TENANTS: readonly string[] = ["t0", "t1", "t2"];
export const MINUTE_MS = 60_000;
export const PAUSE_MS = 4 * MINUTE_MS;
export const SOAK_MS = 3 * MINUTE_MS;

/** What tenants run when the life begins. */
export const OLD = { api: "1.41.0", web: "w-1.41.0" } as const;

const BUILD_MS = 45_000;
const OF_API = TO_TENANTS.metadata.api;

/** A tenant whose build has failed stays on what ran before; a check works on what runs. */
const TENANT_OF_LIFE = TENANT.replace("FAILED: BROKEN", "FAILED: LIVE")
  .replace("on: { NEXT: LIVE } }", "on: { NEXT: LIVE, FAILED: LIVE } }")
  .replace("metadata: { api:", "metadata: { web: { type: string }, jobs: { type: string }, api:")
  .replace("RELEASED: { metadata: [api] }", "RELEASED: {}")
  .replace("PUSHED: { metadata: [api] }", "PUSHED: {}");

/** Returns the document of releases, as it is now. */
export function toShop({ task, hasJobs }: Pick<ReleaseLife, "task" | "hasJobs">): string {
  const waves = [
    { name: "canary", where: "metadata.ring == 'canary'", pause: `${PAUSE_MS / MINUTE_MS}m` },
    { name: "rest" },
  ];
  const metadata = { api: OF_API, web: `w-${OF_API}`, ...(hasJobs && { jobs: `j-${OF_API}` }) };
  const tasks = {
    [task]: { executor: "deploy", config: { ...TO_TENANTS, metadata, waves } },
    soak: { executor: "gate", needs: [task], config: { soak: { of: task, for: `${SOAK_MS / MINUTE_MS}m` } } },
    undo: { executor: "deploy", config: { op: "undo", of: task } },
  };
  return toReleaseMachine({ tasks, go: [task, "soak"] });
}

/** Opens a life. `plant` replaces the executor of releases by one with a bug. */
export async function openReleaseLife(sky: Sky, plant?: (executor: Executor) => Executor): Promise<ReleaseLife> {
  const builds: Built[] = [];
  const fails: Failing[] = [];
  const yard = aReleaseYard({
    tenant: TENANT_OF_LIFE,
    release: toShop({ task: "tenants", hasJobs: false }),
    ...(plant && { plant }),
    build(stack, { api, web = null, jobs = null }) {
      const place = fails.findIndex((each) => each.stack === stack && life.part.startsWith(each.part));
      if (place >= 0) fails.splice(place, 1);
      else builds.push({ stack, at: clock.now(), values: { api, web, jobs } });
      return place < 0;
    },
  });
  const { clock } = yard.yard;
  const kept = { builds, fails, wishes: [], untrue: [], judged: new Set<string>(), acts: new Set<string>(), backs: [] };
  const life: ReleaseLife = { ...yard, ...kept, sky, part: "", version: "", task: "tenants", hasJobs: false };
  yard.pace.buildMs = BUILD_MS;
  await yard.addTenants(TENANTS.length, (index) => ({ ...OLD, ring: index === 0 ? "canary" : "rest" }));
  for (const id of TENANTS) await yard.send(id, "RELEASED", { metadata: OLD });
  await yard.yard.advance(2 * MINUTE_MS);
  wish(life, "start", () => OLD);
  sky.under(clock, clock.advance, yard.yard.findWorking);
  return life;
}

/** Notes what is wished for tenants from now on; undefined: nothing for this one. */
export function wish(
  { wishes, yard }: ReleaseLife,
  by: Wish["by"],
  toValues: (stack: string) => Values | undefined,
): void {
  for (const stack of TENANTS) {
    const values = toValues(stack);
    if (values !== undefined) wishes.push({ at: yard.clock.now(), by, stack, values });
  }
}

/** Returns what a tenant runs: what the last of its builds that had ended at an instant has written. */
export function findRun({ builds }: Pick<ReleaseLife, "builds">, stack: string, at: number): Values {
  return builds.findLast((each) => each.stack === stack && each.at <= at)?.values ?? {};
}

/** Returns what a tenant ran before the first build of a version. */
export function findRunBefore({ builds }: Pick<ReleaseLife, "builds">, stack: string, version: string): Values {
  const own = builds.filter((each) => each.stack === stack);
  const first = own.findIndex(({ values }) => values["api"] === version);
  return own.at(first < 0 ? -1 : first - 1)?.values ?? {};
}

/** Returns the release that is played. */
export function findShop({ yard, version }: Pick<ReleaseLife, "yard" | "version">): Promise<Stack | undefined> {
  return yard.findStack(`shop-${version}`);
}
