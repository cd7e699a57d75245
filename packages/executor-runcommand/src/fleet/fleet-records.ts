import { hash } from "node:crypto";
import { jobStackId } from "@stackyard/core/machine";
import { defineRecordKind, type NamedValue, type RecordsDeps } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import type { BootSettings } from "./fleet-deps.ts";
import type { UserParameters } from "./parse-pipeline-event.ts";

const DAY_MS = 86_400_000;

/** One exact content of an artifact, even if its location is overwritten later. */
const PinnedArtifact = Type.Object({
  bucket: Type.String(),
  key: Type.String(),
  /** In buckets with versions. */
  versionId: Type.Optional(Type.String()),
  /** Lower-case hex. Each instance checks it before unpacking. */
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});
export type PinnedArtifact = Static<typeof PinnedArtifact>;

/** A decided run, stored before it is started, so that a retry decides nothing anew. */
export const RunIntent = Type.Object({
  kind: Type.Literal("run"),
  /** The run's own: a repeat finds the same run. */
  key: Type.String({ minLength: 1, maxLength: 255 }),
  runId: Type.String(),
  source: Type.Union([Type.Literal("pipeline"), Type.Literal("bootstrap")]),
  profile: Type.String(),
  config: Type.Record(Type.String(), Type.Unknown()),
  /** False: the pipeline continues once everything is dispatched. */
  wait: Type.Boolean(),
  /** Recorded as candidate and current; absent where the run changes neither. */
  records: Type.Optional(Type.Boolean()),
  artifact: PinnedArtifact,
  revision: Type.Union([Type.String(), Type.Null()]),
  decidedAt: Type.Integer(),
});
export type RunIntent = Static<typeof RunIntent>;

/** Returns the run of a pipeline's job. Its key is the job's id. Pure. */
export function toPipelineIntent(input: {
  readonly jobId: string;
  readonly artifact: PinnedArtifact;
  readonly revision: string | null;
  readonly options: UserParameters;
  readonly now: number;
}): RunIntent {
  const { jobId, artifact, revision, now } = input;
  const { tagKey, tagValues, targets, wait, artifact: _name, ...rest } = input.options;
  const fleet = targets === undefined ? { select: { tagKey, tagValues } } : { targets };
  const config = { ...fleet, ...rest, artifact, source: "pipeline" };
  return {
    kind: "run",
    key: jobId,
    runId: jobStackId({ key: jobId }),
    source: "pipeline",
    profile: rest.profile,
    config,
    wait,
    artifact,
    revision,
    decidedAt: now,
    // A plan changes no instance.
    records: !rest.dryRun,
  };
}

/** Returns the run of one start of one instance: a new one after a stop and start, and with another artifact. Pure. */
export function toBootIntent(input: {
  readonly instanceId: string;
  /** When the instance was started, as reported by EC2. */
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
    select: { tagKey, tagValues },
    profile,
    artifact,
    timeout,
    deliveryTimeout,
    agentTimeout,
    source: "bootstrap",
  };
  return {
    kind: "run",
    key,
    runId: jobStackId({ key }),
    source: "bootstrap",
    profile,
    config,
    wait: true,
    artifact,
    revision: null,
    decidedAt: now,
  };
}

/** Returns the same start of the same instance with another artifact; undefined for a run without an instance. Pure. */
export function withArtifact(intent: RunIntent, artifact: RunIntent["artifact"], now: number): RunIntent | undefined {
  const [instanceId, , ...launchedAt] = intent.key.split(":");
  if (intent.source !== "bootstrap" || instanceId === undefined || launchedAt.length === 0) return undefined;
  const key = `${instanceId}:${toArtifactId(artifact)}:${launchedAt.join(":")}`;
  const config = { ...intent.config, artifact };
  return { ...intent, key, runId: jobStackId({ key }), config, artifact, decidedAt: now };
}

/** Returns an id of location and content: the same bytes under another key are another artifact. */
function toArtifactId({ bucket, key, versionId = "", sha256 }: RunIntent["artifact"]): string {
  const text = [bucket, key, versionId, sha256].join("\u0000");
  return hash("sha256", text).slice(0, 32);
}

/** The decision about an event without a run. */
const EventDone = Type.Object({ kind: Type.Literal("done"), code: Type.String(), message: Type.String() });
export type EventDone = Static<typeof EventDone>;

/** The decision about an event. The first one counts, even if the event is delivered again. */
export type EventRecord = RunIntent | EventDone;

/** As long as the yard remembers ids of events: EventBridge gives up after a day. */
const KEEP_EVENT_MS = 14 * DAY_MS;

/** Decisions about events and jobs, by id. */
const fleetEvents = defineRecordKind({
  prefix: "fleet-event/",
  value: Type.Union([RunIntent, EventDone]),
  holds: "decisions about events and jobs of a fleet",
  kept: "14 days",
  damaged: "missing",
});

/** Returns the earlier decision about that event or job; undefined without one. */
export function findEventRecord(deps: RecordsDeps, id: string): Promise<EventRecord | undefined> {
  return fleetEvents.find(deps, toEventName(id));
}

/** Stores a decision, and returns the effective one. */
export async function keepEventRecord(deps: RecordsDeps, id: string, value: EventRecord): Promise<EventRecord> {
  const name = toEventName(id);
  const isFirst = await fleetEvents.add(deps, name, { value, expiresAt: deps.clock.now() + KEEP_EVENT_MS });
  return isFirst ? value : ((await fleetEvents.find(deps, name)) ?? value);
}

/** Ids come from outside, so they are hashed into keys. */
function toEventName(id: string): string {
  return hash("sha256", id).slice(0, 32);
}

/** Which artifact a run has brought. */
export const ArtifactRecord = Type.Object({
  artifact: PinnedArtifact,
  revision: Type.Union([Type.String(), Type.Null()]),
  runId: Type.String(),
  /** When the run was requested. */
  startedAt: Type.Integer(),
});
export type ArtifactRecord = Static<typeof ArtifactRecord>;

/** `candidate`: of the newest run that has started; `current`: of the newest that has succeeded. */
type ArtifactRank = "candidate" | "current";

/** The owner of recorded artifacts. */
interface ArtifactOwner {
  readonly environment: string;
  readonly profile: string;
}

const fleetArtifacts = defineRecordKind({
  prefix: "fleet-artifact/",
  value: ArtifactRecord,
  holds: "which artifact a fleet has, and which one was tried last",
  kept: "as long as the yard",
  damaged: "missing",
  tries: Number.POSITIVE_INFINITY,
});

/** Returns the artifact of that rank; undefined before the first one. */
export function findArtifactRecord(
  deps: RecordsDeps,
  owner: ArtifactOwner,
  rank: ArtifactRank,
): Promise<ArtifactRecord | undefined> {
  return fleetArtifacts.find(deps, toArtifactName(owner, rank));
}

/**
 * Stores the record, unless a run that was requested later has stored one: a late end of an old run changes nothing.
 */
export async function putArtifactRecord(
  deps: RecordsDeps,
  owner: ArtifactOwner,
  rank: ArtifactRank,
  value: ArtifactRecord,
): Promise<void> {
  await fleetArtifacts.change(deps, toArtifactName(owner, rank), (found) =>
    found !== undefined && found.value.startedAt > value.startedAt ? {} : { write: { value } },
  );
}

function toArtifactName({ environment, profile }: ArtifactOwner, rank: ArtifactRank): string {
  return `${environment}/${profile}/${rank}`;
}

const Hook = Type.Object({ group: Type.String(), hook: Type.String(), token: Type.String() });

/** A run to follow until it has ended: the actions that depend on its end, and the input to start it. */
export const Watch = Type.Object({
  intent: RunIntent,
  /** Lifecycle actions that wait for it. */
  hooks: Type.Array(Hook, { maxItems: 100 }),
  heartbeatAt: Type.Integer(),
  /** The schedule skips it until then. Missing: it is checked each time. */
  lookAt: Type.Optional(Type.Integer()),
});
export type Watch = Static<typeof Watch>;

/** A stored watch. */
export type KeptWatch = NamedValue<Watch>;

/** A run that has failed can be tried again for 30 days; a pipeline's action lasts a day, a lifecycle action two. */
const KEEP_WATCH_MS = (30 + 3) * DAY_MS;

/** Watches, by run. */
export const fleetWatches = defineRecordKind({
  prefix: "fleet-watch/",
  value: Watch,
  holds: "runs of a fleet that are followed until they have ended",
  kept: "33 days, or until nothing depends on them",
  damaged: "missing",
  tries: Number.POSITIVE_INFINITY,
});

/** Finds the watch over a run. Returns undefined for an unknown or ended watch. */
export async function findWatch(deps: RecordsDeps, runId: string): Promise<KeptWatch | undefined> {
  const { value, version } = await fleetWatches.load(deps, runId);
  return value === undefined || version === "absent" ? undefined : { name: runId, value, version };
}

/** Starts to watch a run, or adds a lifecycle action that waits for it. */
export async function addWatch(deps: RecordsDeps, intent: RunIntent, hook?: Static<typeof Hook>): Promise<void> {
  await fleetWatches.change(deps, intent.runId, (found, now) => {
    const known = found?.value;
    const hooks = [...(known?.hooks ?? []).filter(({ token }) => token !== hook?.token), ...(hook ? [hook] : [])];
    if (known !== undefined && (hook === undefined || hooks.length === known.hooks.length)) return {};
    const value = { intent, hooks, heartbeatAt: known?.heartbeatAt ?? now };
    return { write: { value, expiresAt: now + KEEP_WATCH_MS } };
  });
}

/** Replaces a watch, unless it was changed concurrently. */
export async function replaceWatch(deps: RecordsDeps, kept: KeptWatch, value: Watch): Promise<void> {
  await fleetWatches.replace(deps, kept, { value, expiresAt: value.intent.decidedAt + KEEP_WATCH_MS });
}

/** Ends a watch; returns false if a lifecycle action was added meanwhile. */
export async function removeWatch(deps: RecordsDeps, kept: KeptWatch): Promise<boolean> {
  return (await fleetWatches.replace(deps, kept, "remove")) !== undefined;
}
