import { limitAsDocumented } from "@stackyard/aws-sim";
import { runExecutor } from "@stackyard/core/testing";
import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createFleetBench } from "./create-fleet-bench.ts";
import type { DispatchFigures } from "./fleet-figures.ts";

/** A run that is measured. */
export interface DispatchInput {
  readonly name: string;
  readonly instances: number;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Runs a healthy fleet to its end in virtual time, whose SSM takes one SendCommand a second. */
export async function measureDispatch({ name, instances, config }: DispatchInput): Promise<DispatchFigures> {
  const bench = createFleetBench({ count: instances });
  limitAsDocumented(bench.sim);
  const context = bench.context();
  const begin = context.clock.now();
  const { step, elapsedMs } = await runExecutor(createRunCommandExecutor(), config, { context, maxSteps: 10_000 });
  if (step.kind !== "succeeded") throw new Error(`The run "${name}" failed: ${step.message}`);
  const commands = bench.sim.ssm.listCommands();
  const lastSentAt = Math.max(...commands.map(({ requestedAt }) => requestedAt));
  return {
    name,
    instances,
    sends: commands.length,
    sentSeconds: (lastSentAt - begin) / 1_000,
    endedSeconds: elapsedMs / 1_000,
  };
}
