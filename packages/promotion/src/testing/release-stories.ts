import { type Ending, type Sky, type Story, watchStoreOf } from "@stackyard/core/testing";
import { aReleaseYard, type ReleaseYard, TENANT, TO_TENANTS, toReleaseMachine } from "./a-release-yard.ts";

const MINUTE_MS = 60_000;
const SOAK_MS = 2 * 60 * MINUTE_MS;
const LOOK_EVERY_MS = 5 * MINUTE_MS;
const MAX_LOOKS = 600;
const VERSION = "1.42.0";
const STAGING = ["t0", "t1"];
const PRODUCTION = ["t2", "t3"];

/** A monitor can bring an environment into trouble. */
const WATCHED = TENANT.replace("CHECK: CHECKING,", "CHECK: CHECKING, UNHEALTHY: BROKEN,")
  .replace("BROKEN: { on: { RELEASED: BUILD } }", "BROKEN: { on: { RELEASED: BUILD, HEALTHY: LIVE } }")
  .replace("  PAUSE: {}", "  PAUSE: {}\n  UNHEALTHY: {}\n  HEALTHY: {}");

/** Staging, a soak of so long, and production. */
function toRelease(soak: string): string {
  const toRing = (ring: string) => ({
    ...TO_TENANTS,
    stacks: { machine: "tenant", where: `metadata.ring == '${ring}'` },
  });
  const tasks = {
    tenants: { executor: "deploy", config: toRing("staging") },
    soak: { executor: "gate", needs: ["tenants"], config: { soak: { of: "tenants", for: soak } } },
    production: { executor: "deploy", needs: ["soak"], config: toRing("production") },
  };
  return toReleaseMachine({ tasks, go: Object.keys(tasks) });
}

/** A release, with the instants at which the builds of environments have ended. */
interface Bench extends ReleaseYard {
  readonly sky: Sky;
  readonly builds: { readonly stack: string; readonly at: number }[];
  /** The events of the monitor that have arrived. */
  readonly heard: Set<string>;
  /** Since when staging is without trouble. */
  healthySince: number;
}

async function open(sky: Sky, soak: string): Promise<Bench> {
  const yard = aReleaseYard({
    tenant: WATCHED,
    release: toRelease(soak),
    wrapStore: (store) => watchStoreOf(store, sky),
  });
  const { clock } = yard.yard;
  const builds: Bench["builds"] = [];
  await yard.addTenants(4, (index) => ({ ring: index < STAGING.length ? "staging" : "production" }));
  sky.under(clock, clock.advance, yard.yard.findWorking);
  const ran = yard.ran as Map<string, unknown>;
  const set = ran.set.bind(ran);
  ran.set = (stack, version) => {
    builds.push({ stack, at: clock.now() });
    return set(stack, version);
  };
  return { ...yard, sky, builds, heard: new Set(), healthySince: clock.now() };
}

async function look({ sky, yard }: Bench): Promise<void> {
  await sky.meet("look.worker", {}, () => yard.advance(LOOK_EVERY_MS));
}

/** The event of a monitor. What comes late counts from then on. */
async function monitor(bench: Bench, event: "UNHEALTHY" | "HEALTHY"): Promise<void> {
  await bench.sky.meet(`delivery.${event.toLowerCase()}`, {}, async () => {
    const sent = bench.yard.clock.now();
    // A delivery that is repeated has the id of the first.
    await bench.send("t1", event, { id: `monitor-${event}` });
    if (!bench.heard.has(event)) bench.healthySince = sent;
    bench.heard.add(event);
  });
}

/** The version is everywhere, and was without trouble for the time of the soak before production got it. */
async function toEnding({ builds, healthySince, ran, taskOf, yard }: Bench): Promise<Ending> {
  const isEverywhere = [...STAGING, ...PRODUCTION].every((stack) => ran.get(stack) === VERSION);
  const arrivedAt = Math.max(...builds.filter(({ stack }) => STAGING.includes(stack)).map(({ at }) => at));
  const production = builds.filter(({ stack }) => PRODUCTION.includes(stack));
  const beganAt = Math.min(...production.map(({ at }) => at));
  // Trouble after production has it does not concern the soak.
  const since = healthySince < beganAt ? Math.max(arrivedAt, healthySince) : arrivedAt;
  const hasSoaked = beganAt >= since + SOAK_MS;
  const said = await taskOf(VERSION, "production");
  const counts = Object.entries(Object.groupBy(builds, ({ stack }) => stack));
  const stack = (await yard.findStack("t2"))?.metadata["api"];
  return {
    verdict: said.startsWith("DONE") ? "succeeded" : "unknown",
    truth: isEverywhere && hasSoaked ? "succeeded" : "unfinished",
    said: `${said}, production after ${Math.round((beganAt - since) / MINUTE_MS)} min`,
    begun: Object.fromEntries(counts.map(([name, all = []]) => [`the build of ${name}`, all.length])),
    ended: [],
    left: said.startsWith("DONE") ? [] : [`a release that has not ended: ${said}`],
    foreign: [],
    views: { metadata: stack === VERSION ? "succeeded" : "unknown" },
  };
}

async function lookUntilDone(bench: Bench): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    if ((await bench.yard.findStack(`shop-${VERSION}`))?.state === "DONE") return;
    await look(bench);
  }
  throw new Error("The release is still running after two days.");
}

/** A release over two stages. `isTroubled`: a monitor finds staging unhealthy for half an hour of the soak. */
function releaseStory(name: string, isTroubled: boolean): Story {
  const toPlay = (soak: string): Story["play"] => {
    return async (sky) => {
      const bench = await open(sky, soak);
      await bench.start(VERSION);
      for (let looks = 0; looks < 6; looks += 1) await look(bench);
      if (isTroubled) {
        sky.phase("trouble");
        await monitor(bench, "UNHEALTHY");
        for (let looks = 0; looks < 6; looks += 1) await look(bench);
        await monitor(bench, "HEALTHY");
        sky.phase("healthy");
      }
      await lookUntilDone(bench);
      await sky.clear();
      await bench.yard.advance(SOAK_MS);
      return toEnding(bench);
    };
  };
  return {
    name,
    play: toPlay("2h"),
    planted: [{ bug: "the soak is shorter than its time", invariant: "true", play: toPlay("20m") }],
  };
}

/** The stories of releases over stages. */
export const releaseStories: readonly Story[] = [
  releaseStory("release-soak", false),
  releaseStory("release-trouble", true),
];
