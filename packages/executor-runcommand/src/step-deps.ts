import type { ExecutorContext, Random } from "@stackyard/core";
import type { RunCommandConfig, RunCommandStep } from "./definition.ts";
import type { FleetRun } from "./fleet-run.ts";
import type { PlanDeps, PlanInput } from "./plan-run.ts";
import type { RunCommandOptions } from "./run-command-options.ts";
import { createRunStore, type RunStore } from "./run-store.ts";
import type { FleetAws } from "./ssm/call-aws.ts";
import { FleetEc2Client, FleetSsmClient } from "./ssm/fleet-clients.ts";
import { toFinalStep } from "./to-final-step.ts";

/** What a step of the executor works with. */
export interface StepDeps {
  readonly ctx: ExecutorContext;
  readonly config: RunCommandConfig;
  readonly options: RunCommandOptions;
  readonly random: Random;
  readonly aws: FleetAws;
  readonly store: RunStore;
  readonly runId: string;
}

/** What a step works with, made of the executor's context. */
export function toStepDeps(
  ctx: ExecutorContext,
  config: RunCommandConfig,
  { options, random }: { readonly options: RunCommandOptions; readonly random: Random },
): StepDeps {
  const { clock, signal, deadlineAt, records } = ctx;
  const runId = toRunId(ctx);
  const source = config.source ?? "task";
  const aws = { ssm: ctx.aws(FleetSsmClient), ec2: ctx.aws(FleetEc2Client), clock, signal, deadlineAt, random };
  return { ctx, config, options, random, aws, store: createRunStore({ records, clock, runId, source }), runId };
}

/** A run of its own has the id of its stack; a task of a machine that of its attempt. */
export function toRunId({ machine, stackId, idempotencyKey }: ExecutorContext): string {
  return machine === "stackyard.run" ? stackId : idempotencyKey;
}

/** What plans of this run are made with. */
export function toPlanDeps({ aws, config, options }: StepDeps): PlanDeps {
  return { aws, config, profiles: options.profiles };
}

/** Whose run it is. */
export function toPlanInput({ ctx, config, runId }: StepDeps): PlanInput {
  const artifact = config.artifact === undefined ? {} : { artifact: config.artifact };
  return { runId, attempt: ctx.idempotencyKey, startedAt: ctx.clock.now(), ...artifact };
}

/** With the artifact as it was when the run began. */
export function withArtifact(deps: StepDeps, artifact: RunCommandConfig["artifact"]): StepDeps {
  return artifact === undefined ? deps : { ...deps, config: { ...deps.config, artifact } };
}

/** Ends a run that has nothing left to do. */
export async function endRun(deps: StepDeps, run: FleetRun): Promise<RunCommandStep> {
  const ended = { ...run, state: { ...run.state, endedAt: deps.ctx.clock.now() } };
  await deps.store.save(ended);
  return toEnd(deps, ended);
}

/** The last step of a run that has ended. */
export function toEnd({ config, options }: StepDeps, run: FleetRun): RunCommandStep {
  return toFinalStep(run, { config, reportUrl: options.reportUrl });
}
