import { defined } from "@stackyard/core";
import type { EcsTaskDeps } from "./turn.ts";

/** A run of a resource. */
export interface ResourceRun {
  /** As the properties name it. */
  readonly taskDefinition: string;
  /** With its revision at that time. */
  readonly taskDefinitionArn: string;
  readonly requestId: string;
  /** As the properties name it. Default: the present one. */
  readonly cluster?: string;
  readonly taskArns: readonly string[];
  readonly startedAt: number;
  /** The instant of its request. */
  readonly receivedAt: number;
}

/**
 * The stored facts about a resource. Its requests are held by their executions; what `recordRequest` stores about them is
 * only for people. Requests that were received before `at` or `closedAt` are over: they must not start tasks any more, and
 * stop those that they wait for. `clusters`: where tasks may have been started, as the properties name them, newest last.
 */
type ResourceRecord = { readonly clusters?: readonly string[] } & (
  | /** The last run. `closedBy`: the later request that was answered without a run. */
  ({ readonly kind: "run"; readonly closedAt?: number; readonly closedBy?: string } & ResourceRun)
  /** It was deleted, or has run nothing yet. `run`: its last one, whose tasks may run. */
  | { readonly kind: "deleted"; readonly at: number; readonly closedBy?: string; readonly run?: ResourceRun }
);

type RecordDeps = Pick<EcsTaskDeps, "records" | "clock">;

/** A request of the resource. */
interface ResourceRequest {
  readonly requestId: string;
  readonly receivedAt: number;
}

/** A template that names another cluster at each update is not worth more. */
const MAX_CLUSTERS = 20;

/** No request is worked for longer. */
const DELETED_FOR_MS = 2 * 3_600_000;

/** Returns the last known run of a resource; undefined without one, and after its deletion. */
export async function findLastRun(deps: RecordDeps, id: string): Promise<ResourceRun | undefined> {
  const { record } = await load(deps, id);
  return record?.kind === "run" ? toRun(record) : undefined;
}

/** Returns the last known run of a resource, also after its deletion. */
export async function findRunToStop(deps: RecordDeps, id: string): Promise<ResourceRun | undefined> {
  return toRun((await load(deps, id)).record);
}

/** Returns the clusters in which the resource may have tasks, as the properties named them, also after its deletion. */
export async function findClusters(deps: RecordDeps, id: string): Promise<readonly string[]> {
  return (await load(deps, id)).record?.clusters ?? [];
}

/**
 * Records the cluster in which a request is about to start tasks, for the Delete of a resource whose template names
 * another one by then. Returns false, without a change, if the request is over.
 */
export async function rememberCluster(
  deps: RecordDeps,
  id: string,
  { cluster, receivedAt }: { readonly cluster: string; readonly receivedAt: number },
): Promise<boolean> {
  const { record } = await change(deps, id, (before) => {
    const { clusters = [] } = before ?? {};
    if (isOverBy(before, receivedAt) || clusters.includes(cluster)) return undefined;
    return { ...(before ?? { kind: "deleted", at: 0 }), clusters: [...clusters, cluster].slice(-MAX_CLUSTERS) };
  });
  return !isOverBy(record, receivedAt);
}

/**
 * Returns true if a request that was received then is over: the resource was deleted since, or CloudFormation has sent a
 * later request. It cancels the earlier one by that, and does not wait for its answer.
 */
export async function isOver(deps: RecordDeps, id: string, receivedAt: number): Promise<boolean> {
  return isOverBy((await load(deps, id)).record, receivedAt);
}

/** Records a run of a resource. Returns false if its request is over: then the caller must stop what it has started. */
export async function rememberRun(deps: RecordDeps, id: string, run: ResourceRun): Promise<boolean> {
  const { isChanged } = await change(deps, id, (record) => {
    if (isOverBy(record, run.receivedAt)) return undefined;
    const closed = record?.kind === "run" ? { closedAt: record.closedAt, closedBy: record.closedBy } : {};
    return { kind: "run", ...run, ...defined({ ...closed, clusters: record?.clusters }) };
  });
  return isChanged;
}

/**
 * Records that a request is answered at its reception, though an execution of unknown existence may hold it, so that this
 * one and earlier ones are over. Returns false, without a change, if that execution has recorded a run: then it answers.
 */
export async function closeRequest(deps: RecordDeps, id: string, request: ResourceRequest): Promise<boolean> {
  const { requestId, receivedAt } = request;
  const at = Math.max(deps.clock.now(), receivedAt + 1);
  const { isChanged } = await change(deps, id, (record) =>
    record?.kind === "run" && record.requestId === requestId ? undefined : toClosed(record, { at, requestId }),
  );
  return isChanged;
}

/**
 * Records that a request is answered without a run, so that earlier ones are over; returns the last run, also after a
 * deletion: one that comes again then is answered as before. It changes nothing, because later ones may run by then.
 */
export async function closeEarlier(
  deps: RecordDeps,
  id: string,
  { requestId, receivedAt: at }: ResourceRequest,
): Promise<ResourceRun | undefined> {
  const { record } = await change(deps, id, (before) =>
    before?.closedBy === requestId ? undefined : toClosed(before, { at, requestId }),
  );
  return toRun(record);
}

/** Records that a resource is deleted. Keeps and returns its run, so that a repeated Delete finds the same tasks. */
export async function rememberDelete(deps: RecordDeps, id: string): Promise<ResourceRun | undefined> {
  const at = deps.clock.now();
  const { record } = await change(deps, id, (before) => {
    return { kind: "deleted", at, ...defined({ run: toRun(before), clusters: before?.clusters }) };
  });
  return toRun(record);
}

function toClosed(
  record: ResourceRecord | undefined,
  { at, requestId: closedBy }: { readonly at: number; readonly requestId: string },
): ResourceRecord {
  if (record?.kind === "run") return { ...record, closedAt: Math.max(record.closedAt ?? 0, at), closedBy };
  return { kind: "deleted", ...record, at: Math.max(record?.at ?? 0, at), closedBy };
}

function toRun(record: ResourceRecord | undefined): ResourceRun | undefined {
  if (record?.kind !== "run") return record?.run;
  const { kind: _, closedAt: _at, closedBy: _by, clusters: _in, ...run } = record;
  return run;
}

function isOverBy(record: ResourceRecord | undefined, receivedAt: number): boolean {
  const ends = record?.kind === "run" ? [record.closedAt, record.receivedAt] : [record?.at];
  return ends.some((at = 0) => at > receivedAt);
}

/** Writes what `decide` returns for the stored record, again after a conflict. Undefined: nothing changes. */
async function change(
  deps: RecordDeps,
  id: string,
  decide: (record: ResourceRecord | undefined) => ResourceRecord | undefined,
): Promise<{ readonly isChanged: boolean; readonly record: ResourceRecord | undefined }> {
  const { records, clock } = deps;
  for (;;) {
    const { record, version: expected } = await load(deps, id);
    const value = decide(record);
    if (value === undefined) return { isChanged: false, record };
    const now = clock.now();
    const expiry = value.kind === "deleted" ? { expiresAt: (value.at || now) + DELETED_FOR_MS } : {};
    const { kind } = await records.put({ key: toKey(id), expected, now, value, ...expiry });
    if (kind === "written") return { isChanged: true, record: value };
  }
}

async function load({ records, clock }: RecordDeps, id: string) {
  const stored = await records.get(toKey(id), clock.now());
  // Written by this very file.
  const record = stored?.value as ResourceRecord | undefined;
  return { record, version: stored?.version ?? ("absent" as const) };
}

function toKey(id: string): string {
  return `ecs-task/resource/${id}`;
}
