import { S3Client } from "@aws-sdk/client-s3";
import { type ExecutorContext, type Failed, failed, type Random } from "@stackyard/core";
import { type FleetAws, FleetEc2Client, FleetSsmClient, toCallError } from "./call-fleet.ts";
import type { RunCommandConfig } from "./definition.ts";
import type { RunCommandOptions } from "./document/profile-definition.ts";
import { createRunStore, type RunStore } from "./run-store.ts";

/** The dependencies of a step of the executor. */
export interface StepDeps {
  readonly ctx: ExecutorContext;
  readonly config: RunCommandConfig;
  readonly options: RunCommandOptions;
  readonly random: Random;
  readonly aws: FleetAws;
  readonly store: RunStore;
  readonly runId: string;
}

/** Creates the dependencies of a step from the executor's context. */
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

/** Returns the run's id: a job's stack id, or the attempt's key for a machine's task. */
export function toRunId({ machine, stackId, idempotencyKey }: ExecutorContext): string {
  return machine === "stackyard.run" ? stackId : idempotencyKey;
}

/** Replaces the artifact by that of the run's start. */
export function withArtifact(deps: StepDeps, artifact: RunCommandConfig["artifact"]): StepDeps {
  return artifact === undefined ? deps : { ...deps, config: { ...deps.config, artifact } };
}

/**
 * Adds the artifact's SHA-256 and version to the config if the profile checks them and they are missing: read once, so
 * that every instance of the run gets the same content.
 */
export async function pinConfig(ctx: ExecutorContext, config: RunCommandConfig): Promise<RunCommandConfig | Failed> {
  const { artifact } = config;
  if (artifact === undefined || !isToBePinned(config)) return config;
  // Only those who need it load S3's client.
  const { pinArtifact } = await import("./fleet/pin-artifact.ts");
  try {
    const pinned = await pinArtifact(ctx.aws(S3Client), artifact, ctx.signal);
    if ("kind" in pinned) return failed({ code: pinned.code, message: pinned.message, retryable: false });
    return { ...config, artifact: pinned };
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw toCallError(error, { what: `The artifact s3://${artifact.bucket}/${artifact.key} could not be read.` });
  }
}

/** Returns true if the artifact needs pinning. The predecessor's lines check nothing. */
export function isToBePinned({ artifact, document, profile }: RunCommandConfig): boolean {
  return artifact !== undefined && artifact.sha256 === undefined && document === undefined && profile !== "garlc-1";
}
