import { createHash } from "node:crypto";
import { runStackId } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { BootSettings } from "./fleet-deps.ts";
import type { PinnedArtifact } from "./pin-artifact.ts";
import type { UserParameters } from "./user-parameters.ts";

/** A run as it was decided: kept before it is started, so that a repeat decides nothing anew. */
export const RunIntent = Type.Object({
  kind: Type.Literal("run"),
  /** The run's own: a repeat finds the same run. */
  key: Type.String({ minLength: 1, maxLength: 255 }),
  runId: Type.String(),
  source: Type.Union([Type.Literal("pipeline"), Type.Literal("bootstrap")]),
  profile: Type.String(),
  config: Type.Record(Type.String(), Type.Unknown()),
  /** False: the pipeline goes on once everything is dispatched. */
  wait: Type.Boolean(),
  /** Recorded as candidate and current; absent where the run changes neither. */
  records: Type.Optional(Type.Boolean()),
  artifact: Type.Object({
    bucket: Type.String(),
    key: Type.String(),
    versionId: Type.Optional(Type.String()),
    sha256: Type.String(),
  }),
  revision: Type.Union([Type.String(), Type.Null()]),
  decidedAt: Type.Integer(),
});
export type RunIntent = Static<typeof RunIntent>;

const validator = Compile(RunIntent);

/** Reads what was kept; undefined for anything else. */
export function parseRunIntent(value: unknown): RunIntent | undefined {
  return validator.Check(value) ? value : undefined;
}

/** The run of a pipeline's job. Its key is the job's id. Pure. */
export function toPipelineIntent(input: {
  readonly jobId: string;
  readonly artifact: PinnedArtifact;
  readonly revision: string | null;
  readonly options: UserParameters;
  readonly now: number;
}): RunIntent {
  const { jobId, artifact, revision, now } = input;
  const { tagKey, tagValues, targets, wait, artifact: _name, ...rest } = input.options;
  const fleet =
    targets === undefined ? { select: { tagKey, tagValues: [...tagValues] } } : { targets: toPlain(targets) };
  const config = { ...fleet, ...rest, artifact: { ...artifact }, source: "pipeline" };
  return {
    kind: "run",
    key: jobId,
    runId: runStackId({ key: jobId }),
    source: "pipeline",
    profile: rest.profile,
    config,
    wait,
    artifact: { ...artifact },
    revision,
    decidedAt: now,
    // A plan brings nothing onto any instance.
    records: !rest.dryRun,
  };
}

/** The run of one start of one instance: again after a stop and start, and again with another artifact. Pure. */
export function toBootIntent(input: {
  readonly instanceId: string;
  /** When the instance was started, as EC2 tells it. */
  readonly launchedAt: string;
  readonly artifact: PinnedArtifact;
  readonly boot: Required<Omit<BootSettings, "source" | "fallback">>;
  readonly now: number;
}): RunIntent {
  const { instanceId, launchedAt, artifact, boot, now } = input;
  const { profile, tagKey, tagValues, timeout, deliveryTimeout, agentTimeout } = boot;
  const key = `${instanceId}:${toArtifactId(artifact)}:${launchedAt}`;
  const config = {
    instance: instanceId,
    select: { tagKey, tagValues: [...tagValues] },
    profile,
    artifact: { ...artifact },
    timeout,
    deliveryTimeout,
    agentTimeout,
    source: "bootstrap",
  };
  return {
    kind: "run",
    key,
    runId: runStackId({ key }),
    source: "bootstrap",
    profile,
    config,
    wait: true,
    artifact: { ...artifact },
    revision: null,
    decidedAt: now,
  };
}

/** The same start of the same instance with another artifact; undefined for a run that is of no instance. Pure. */
export function withArtifact(intent: RunIntent, artifact: RunIntent["artifact"], now: number): RunIntent | undefined {
  const [instanceId, , ...launchedAt] = intent.key.split(":");
  if (intent.source !== "bootstrap" || instanceId === undefined || launchedAt.length === 0) return undefined;
  const key = `${instanceId}:${toArtifactId(artifact)}:${launchedAt.join(":")}`;
  const config = { ...intent.config, artifact: { ...artifact } };
  return { ...intent, key, runId: runStackId({ key }), config, artifact, decidedAt: now };
}

/** Place and content: the same bytes under another key are another artifact. */
function toArtifactId({ bucket, key, versionId = "", sha256 }: RunIntent["artifact"]): string {
  const text = [bucket, key, versionId, sha256].join("\u0000");
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function toPlain(targets: NonNullable<UserParameters["targets"]>) {
  return targets.map(({ key, values }) => ({ key, values: [...values] }));
}
