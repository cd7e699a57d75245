import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { createAwsSim, createSimPlugin, watchSim } from "@stackyard/aws-sim";
import { type Executor, isMap, succeeded } from "@stackyard/core";
import {
  createFakeClock,
  type Ending,
  type Sky,
  type Story,
  type TaskBench,
  watchStoreOf,
} from "@stackyard/core/testing";
import { aReleaseYard, type ReleaseYard, TO_TENANTS } from "./a-release-yard.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const MINUTE_MS = 60_000;
const BUILD_MS = 10 * MINUTE_MS;
const MAX_LOOKS = 600;
const FAIR_MS = 2 * 60 * MINUTE_MS;
const VERSIONS = ["1.42.0", "1.43.0", "1.44.0"] as const;
const TENANTS = ["t0", "t1"];

/** Each release waits for its turn, and then for the alarm. */
const IN_TURN = JSON.stringify({
  version: 2,
  events: { RELEASED: { metadata: ["api"] } },
  metadata: { api: { type: "string" } },
  targets: { here: PLACE },
  states: {
    INIT: { on: { RELEASED: "GO" } },
    GO: { tasks: ["turn", "quiet", "tenants"], on: { NEXT: "DONE", FAILED: "FAILED" } },
    DONE: {},
    FAILED: {},
  },
  tasks: {
    turn: { executor: "gate", config: { turn: { name: "shop", states: ["GO"] } } },
    quiet: { executor: "gate", target: "here", needs: ["turn"], config: { alarms: ["errors"] } },
    tenants: { executor: "deploy", needs: ["quiet"], config: TO_TENANTS },
  },
});

/** A yard with releases, and the alarm that closes their gate. */
interface Bench extends ReleaseYard {
  readonly sky: Sky;
  readonly builds: { readonly stack: string; readonly version: string; readonly at: number }[];
  /** The instants at which builds began. */
  readonly starts: readonly number[];
  /** The releases in the order in which they were created. */
  readonly created: string[];
  /** The instants at which the alarm changed. */
  readonly alarms: { readonly at: number; readonly isOn: boolean }[];
  setAlarm(isOn: boolean): Promise<void>;
}

async function open(sky: Sky, plant?: (executor: Executor) => Executor): Promise<Bench> {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const user = sim.iam.addUser({ account: PLACE.account, name: "runner" });
  const client: NonNullable<TaskBench["aws"]> = (type) => {
    const made = new type({ region: PLACE.region, credentials: user, maxAttempts: 1 } as never);
    Object(made).middlewareStack.use(createSimPlugin(sim));
    return made;
  };
  const credentials = () => Promise.reject(new Error("The story has no credentials."));
  const yard = aReleaseYard({
    release: IN_TURN,
    clock,
    aws: { client, credentials },
    wrapStore: (store) => watchStoreOf(store, sky),
    ...(plant && { plant }),
  });
  sim.cloudWatch.addAlarm({ ...PLACE, name: "errors" });
  const alarms: Bench["alarms"] = [];
  const setAlarm = async (isOn: boolean) => {
    const named = { AlarmName: "errors", StateReason: "a story" } as const;
    alarms.push({ at: clock.now(), isOn });
    // Someone else may have deleted it.
    await client(CloudWatchClient, undefined)
      .send(new SetAlarmStateCommand({ ...named, StateValue: isOn ? "ALARM" : "OK" }))
      .catch(() => undefined);
  };
  await setAlarm(false);
  await yard.addTenants(TENANTS.length);
  const starts: number[] = [];
  Object.defineProperty(yard.pace, "buildMs", {
    get() {
      starts.push(clock.now());
      return BUILD_MS;
    },
  });
  const builds: Bench["builds"] = [];
  const ran = yard.ran as Map<string, unknown>;
  const set = ran.set.bind(ran);
  ran.set = (stack, version) => {
    builds.push({ stack, version: String(version), at: clock.now() });
    return set(stack, version);
  };
  sky.under(clock, clock.advance, yard.yard.findWorking);
  watchSim(sim, {
    ...sky,
    meet: (operation, input, proceed, act) => {
      if (operation === "CloudWatch.SetAlarmState") return proceed();
      return sky.meet(operation, input, proceed, (name, given) => {
        if (name === "CloudWatch.SetAlarmState")
          alarms.push({ at: clock.now(), isOn: given["StateValue"] === "ALARM" });
        return act?.(name, given) ?? Promise.resolve();
      });
    },
  });
  return { ...yard, sky, builds, starts, created: [], alarms, setAlarm };
}

async function look({ sky, yard }: Bench, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await sky.meet("look.worker", {}, () => yard.advance(MINUTE_MS));
}

/** The event of a build server, which may come twice. */
async function release(bench: Bench, version: string): Promise<void> {
  await bench.sky.meet("delivery.released", { version }, async () => {
    const about = { machine: "shop", metadata: { api: version } };
    await bench.send(`shop-${version}`, "RELEASED", { ...about, id: `release-${version}` });
    if (!bench.created.includes(version)) bench.created.push(version);
  });
}

/** Builds of two releases never overlap, and none begins while the alarm is on. The last release is everywhere. */
async function toEnding({ builds, starts, created, alarms, ran, taskOf }: Bench): Promise<Ending> {
  const spans = created.flatMap((version) => {
    const ends = builds.filter((build) => build.version === version).map(({ at }) => at);
    const from = starts.findLast((at) => at < Math.min(...ends)) ?? 0;
    return ends.length === 0 ? [] : [{ version, from, to: Math.max(...ends) }];
  });
  const overlapping = spans.filter((a) => spans.some((b) => a !== b && a.from < b.to && b.from <= a.from));
  const tooEarly = starts.filter((at) => alarms.findLast((change) => change.at <= at)?.isOn === true);
  const last = created.at(-1) ?? "";
  const isEverywhere = TENANTS.every((tenant) => ran.get(tenant) === last);
  const said = await Promise.all(created.map((version) => taskOf(version, "tenants")));
  const isKept = isEverywhere && overlapping.length === 0 && tooEarly.length === 0;
  const counts = Object.entries(Object.groupBy(builds, ({ stack, version }) => `${version} at ${stack}`));
  return {
    verdict: said.at(-1)?.startsWith("DONE") ? "succeeded" : "unknown",
    truth: isKept ? "succeeded" : "unfinished",
    said: `${created.join(", ")}: ${said.join(", ")}; ${JSON.stringify(spans)}`,
    begun: Object.fromEntries(counts.map(([name, all = []]) => [`the build of ${name}`, all.length])),
    ended: [],
    left: said.filter((task) => !/^(DONE|FAILED)/.test(task)).map((task) => `a release that has not ended: ${task}`),
    foreign: [],
    views: {},
  };
}

async function isOver({ yard }: Bench): Promise<boolean> {
  const stacks = await Promise.all(VERSIONS.map((version) => yard.findStack(`shop-${version}`)));
  return stacks.every((stack) => stack?.state === "DONE" || stack?.state === "FAILED");
}

function toPlay(plant?: (executor: Executor) => Executor): Story["play"] {
  return async (sky) => {
    const bench = await open(sky, plant);
    for (const version of VERSIONS) {
      await release(bench, version);
      await look(bench, 2);
    }
    sky.phase("alarm");
    await bench.setAlarm(true);
    await look(bench, 20);
    await bench.setAlarm(false);
    sky.phase("quiet");
    for (let looks = 0; looks < MAX_LOOKS && !(await isOver(bench)); looks += 1) await look(bench, 1);
    await sky.clear();
    await bench.yard.advance(FAIR_MS);
    return toEnding(bench);
  };
}

/** A gate that gives the turn to everyone. */
function withoutTurn(executor: Executor): Executor {
  if (executor.name !== "gate") return executor;
  const { outputs: _, ...declared } = executor;
  const isTurn = (config: unknown) => isMap(config) && "turn" in config;
  return { ...declared, start: async (ctx, config) => (isTurn(config) ? succeeded({}) : executor.start(ctx, config)) };
}

/** Three releases that want the same environments: one at a time, and only while the alarm is off. */
export const turnStories: readonly Story[] = [
  {
    name: "release-turn",
    play: toPlay(),
    decisions: [
      {
        finding: /^gone at CloudWatch.DescribeAlarms: left: /,
        reason: "A gate whose alarm is deleted stays closed and names it, until a person ends the release.",
      },
      {
        finding: /^changed at CloudWatch.DescribeAlarms: true: /,
        reason: "An alarm that goes off after its gate has opened stops a release only where its deploy task names it.",
      },
      {
        finding: /^stale at CloudWatch.DescribeAlarms: true: /,
        reason:
          "A gate knows only what CloudWatch answers: it opens by an older answer, as it does before an alarm that goes off later.",
      },
    ],
    planted: [{ bug: "everyone has the turn", invariant: "true", play: toPlay(withoutTurn) }],
  },
];
