import type { EcsTaskDeps } from "./turn.ts";

/** A run of a resource. */
export interface ResourceRun {
  /** As the properties name it. */
  readonly taskDefinition: string;
  /** With its revision at that time. */
  readonly taskDefinitionArn: string;
  readonly requestId: string;
  readonly taskArns: readonly string[];
  readonly startedAt: number;
}

/** The stored facts about a resource. Of requests nothing is stored: their executions hold them. */
type ResourceRecord =
  /** What it has run last. */
  | ({ readonly kind: "run" } & ResourceRun)
  /** It was deleted: earlier requests must not start tasks any more. `run`: its last one, whose tasks may run. */
  | { readonly kind: "deleted"; readonly at: number; readonly run?: ResourceRun };

type RecordDeps = Pick<EcsTaskDeps, "records" | "clock">;

/** No request is worked for longer. */
const DELETED_FOR_MS = 2 * 3_600_000;

/** Returns the last known run of a resource; undefined without one, and after its deletion. */
export async function findLastRun(deps: RecordDeps, id: string): Promise<ResourceRun | undefined> {
  const { record } = await load(deps, id);
  return record?.kind === "run" ? toRun(record) : undefined;
}

/** Returns the last known run of a resource, also after its deletion. */
export async function findRunToStop(deps: RecordDeps, id: string): Promise<ResourceRun | undefined> {
  const { record } = await load(deps, id);
  return record?.kind === "deleted" ? record.run : record && toRun(record);
}

/** Returns true if the resource was deleted after the instant. */
export async function isDeletedSince(deps: RecordDeps, id: string, since: number): Promise<boolean> {
  return wasDeleted((await load(deps, id)).record, since);
}

/**
 * Records a run of a resource. Returns false if it was deleted after the request was received: then the caller must
 * stop everything that it has started.
 */
export async function rememberRun(
  deps: RecordDeps,
  id: string,
  { receivedAt, ...run }: ResourceRun & { readonly receivedAt: number },
): Promise<boolean> {
  for (;;) {
    const { record, version } = await load(deps, id);
    if (wasDeleted(record, receivedAt)) return false;
    if (await write(deps, id, { version, value: { kind: "run", ...run } })) return true;
  }
}

/** Records that a resource is deleted. Keeps and returns its run, so that a repeated Delete finds the same tasks. */
export async function rememberDelete(deps: RecordDeps, id: string): Promise<ResourceRun | undefined> {
  const at = deps.clock.now();
  for (;;) {
    const { record, version } = await load(deps, id);
    const run = record?.kind === "deleted" ? record.run : record && toRun(record);
    const value: ResourceRecord = { kind: "deleted", at, ...(run === undefined ? {} : { run }) };
    if (await write(deps, id, { version, value, expiresAt: at + DELETED_FOR_MS })) return run;
  }
}

function toRun({ kind: _, ...run }: ResourceRecord & { readonly kind: "run" }): ResourceRun {
  return run;
}

function wasDeleted(record: ResourceRecord | undefined, since: number): boolean {
  return record?.kind === "deleted" && record.at > since;
}

async function load({ records, clock }: RecordDeps, id: string) {
  const stored = await records.get(toKey(id), clock.now());
  // Written by this very file.
  const record = stored?.value as ResourceRecord | undefined;
  return { record, version: stored?.version ?? ("absent" as const) };
}

async function write(
  { records, clock }: RecordDeps,
  id: string,
  input: { readonly version: number | "absent"; readonly value: ResourceRecord; readonly expiresAt?: number },
): Promise<boolean> {
  const { version: expected, ...rest } = input;
  const { kind } = await records.put({ key: toKey(id), expected, now: clock.now(), ...rest });
  return kind === "written";
}

function toKey(id: string): string {
  return `ecs-task/resource/${id}`;
}
