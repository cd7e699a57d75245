import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ExecutorContext } from "@stackyard/core";
import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createFleetBench } from "./create-fleet-bench.ts";
import type { PlanFigures } from "./fleet-figures.ts";

/** What is planned. */
export interface PlanInput {
  readonly name: string;
  readonly instances: number;
  readonly config: Readonly<Record<string, unknown>>;
}

const MEGABYTE = 1_048_576;

/** Plans once, the answers of AWS and their parsing included. What the simulation needs for them counts too. */
export async function measurePlan({ name, instances, config }: PlanInput): Promise<PlanFigures> {
  const bench = createFleetBench({ count: instances });
  const executor = createRunCommandExecutor();
  const heap = createHeapMeter();
  const context = bench.context();
  const begin = performance.now();
  const plan = await executor.plan?.({ ...context, aws: heap.watch(context.aws) }, config as never);
  const seconds = (performance.now() - begin) / 1_000;
  const { details } = Object(plan);
  if (details?.selected !== instances) throw new Error(`The plan is of ${details?.selected}, not of ${instances}.`);
  return { name, instances, seconds, megabytes: heap.peak() / MEGABYTE, calls: bench.sim.calls.length };
}

/** Looks at the heap with each call of AWS, from a heap without garbage on. */
function createHeapMeter() {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const before = process.memoryUsage().heapUsed;
  let most = before;
  const look = (): void => {
    most = Math.max(most, process.memoryUsage().heapUsed);
  };
  return {
    watch:
      (aws: ExecutorContext["aws"]): ExecutorContext["aws"] =>
      (type) => {
        const client = aws(type);
        Object(client).middlewareStack.add(
          (next: (args: unknown) => Promise<unknown>) => (args: unknown) => next(args).finally(look),
          { step: "initialize", name: "heapMeter", override: true },
        );
        return client;
      },
    peak() {
      look();
      return most - before;
    },
  };
}
