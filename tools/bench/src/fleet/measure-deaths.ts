import type { Executor, Step } from "@stackyard/core";
import { settlePromises } from "@stackyard/core/testing";
import { createRunCommandExecutor, type FleetReportPage } from "@stackyard/executor-runcommand";
import { createFleetBench, type FleetBench } from "./create-fleet-bench.ts";
import type { DeathFigures } from "./fleet-figures.ts";
import { type Death, type MortalContext, toMortalContext } from "./mortal-context.ts";

/** How often a control plane dies. */
export interface DeathsInput {
  readonly instances: number;
  /** Runs, each with a death elsewhere, spread over all awaits; every one of them where that is enough. */
  readonly deaths: number;
}

const CONFIG = {
  document: "AWS-RunShellScript",
  parameters: { commands: ["true"] },
  targetsAbove: 100_000,
  maxConcurrency: "50%",
  maxErrors: "100%",
  deliveryTimeout: "5m",
};
/** Until another process has the lease of the dead one. */
const LEASE_MS = 60_000;
const FINAL = ["succeeded", "failed", "cancelled", "skipped"];

/** Runs a fleet, of which 3 % are broken, once for each death; another process finds what the dead one left. */
export async function measureDeaths({ instances, deaths }: DeathsInput): Promise<DeathFigures> {
  const whole = await runWithDeath(instances);
  const all = (["before", "after"] as const).flatMap((when) =>
    Array.from({ length: whole.awaits }, (_, index): Death => ({ at: index + 1, when })),
  );
  const chosen = all.filter((_, index) => index % Math.ceil(all.length / deaths) === 0);
  let lost = whole.lost;
  let twice = whole.twice;
  for (const death of chosen) {
    const run = await runWithDeath(instances, death);
    lost += run.lost;
    twice += run.twice;
  }
  return { instances, awaits: whole.awaits, deaths: chosen.length, lost, twice };
}

async function runWithDeath(instances: number, death?: Death) {
  const one = Math.max(1, Math.floor(instances / 100));
  const bench = createFleetBench({ count: instances, broken: { playbook: one, hangs: one, unregistered: one } });
  const executor = createRunCommandExecutor({}, { random: () => 0.5 });
  const first = toMortalContext(bench.context(), death);
  const kept = await live(executor, first, undefined);
  if (kept?.kind === "running" || kept === undefined) {
    await passTime(first, first.context.clock.sleep(LEASE_MS));
    await live(executor, toMortalContext(bench.context()), kept);
  }
  return { awaits: first.count(), ...(await countHarm(bench)) };
}

/** One process until the run's end or its own; gives the last step that the yard has kept. */
async function live(executor: Executor, process: MortalContext, found: Step | undefined): Promise<Step | undefined> {
  const { context } = process;
  let kept = found;
  while (kept === undefined || kept.kind === "running") {
    // The yard stores configs and progress as JSON, whose types are unknown until the executor has read them.
    const [config, progress] = [toJson(CONFIG), toJson(kept?.progress ?? null)];
    const call = kept === undefined ? executor.start(context, config) : executor.poll?.(context, config, progress);
    const step = await passTime(process, call).catch(onlyOf(process));
    // The answer of a dead process is lost.
    if (process.isDead() || step === undefined) return kept;
    kept = step;
    if (step.kind === "running") await passTime(process, context.clock.sleep(step.pollAfterMs));
  }
  return kept;
}

function toJson(value: unknown): never {
  return JSON.parse(JSON.stringify(value)) as never;
}

function onlyOf(process: MortalContext) {
  return (error: unknown): undefined => {
    if (!process.isDead()) throw error;
  };
}

/** Wakes one sleeper after the other until the work has ended. */
async function passTime<Result>({ context }: MortalContext, work: Promise<Result> | undefined) {
  const { clock } = context;
  let isOver = false;
  const over = Promise.resolve(work).finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  await settlePromises();
  while (!isOver) {
    const wakeAt = clock.nextWakeAt();
    if (wakeAt === undefined) await settlePromises();
    else await clock.advance(wakeAt - clock.now());
  }
  return over;
}

/** Instances without an end in the report, and those that were sent more than one command. */
async function countHarm(bench: FleetBench): Promise<Pick<DeathFigures, "lost" | "twice">> {
  const { records, clock, stackId } = bench.context();
  const { items } = await records.list(`run-report/${stackId}/`, { limit: 1_000, now: clock.now() });
  const ended = new Set(items.flatMap(({ value }) => toEnded(value as FleetReportPage)));
  const sent = bench.sim.ssm.listCommands().flatMap(({ invocations }) => invocations);
  const perInstance = Map.groupBy(sent, ({ instanceId }) => instanceId);
  return {
    lost: bench.members.filter(({ instanceId }) => !ended.has(instanceId)).length,
    twice: [...perInstance.values()].filter(({ length }) => length > 1).length,
  };
}

function toEnded({ instances }: FleetReportPage): readonly string[] {
  return instances.flatMap(({ instanceId, state }) => (FINAL.includes(state) ? [instanceId] : []));
}
