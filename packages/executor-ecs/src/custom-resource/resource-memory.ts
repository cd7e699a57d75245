import type { Clock, Records } from "@stackyard/core";

/** What is remembered of a resource. */
export type ResourceMemory =
  /** The task definition that it has run last. */
  | {
      readonly kind: "run";
      /** As the properties name it. */
      readonly taskDefinition: string;
      /** With the revision that it meant then. */
      readonly taskDefinitionArn: string;
      readonly requestId: string;
      readonly taskArns: readonly string[];
      readonly startedAt: number;
    }
  /** It is deleted: what was asked for before must start nothing any more. */
  | { readonly kind: "deleted"; readonly at: number };

/** A run of a resource. */
export type RememberedRun = ResourceMemory & { readonly kind: "run" };

interface MemoryDeps {
  readonly records: Records;
  readonly clock: Clock;
}

/** No request is worked for longer. */
const DELETED_FOR_MS = 2 * 3_600_000;

/** What a resource has run last; undefined: nothing that is known. */
export async function findRememberedRun(deps: MemoryDeps, id: string): Promise<RememberedRun | undefined> {
  const { memory } = await load(deps, id);
  return memory?.kind === "run" ? memory : undefined;
}

/** True when the resource was deleted after the instant. */
export async function isDeletedSince(deps: MemoryDeps, id: string, since: number): Promise<boolean> {
  return wasDeleted((await load(deps, id)).memory, since);
}

/**
 * Notes what a resource runs. False: it was deleted after the request was received, so that nobody will stop what was started
 * meanwhile but the caller.
 */
export async function rememberRun(
  deps: MemoryDeps,
  id: string,
  { receivedAt, ...run }: Omit<RememberedRun, "kind"> & { readonly receivedAt: number },
): Promise<boolean> {
  for (;;) {
    const { memory, version } = await load(deps, id);
    if (wasDeleted(memory, receivedAt)) return false;
    if (await write(deps, id, { version, value: { kind: "run", ...run } })) return true;
  }
}

/** Notes that a resource is deleted. */
export async function rememberDelete(deps: MemoryDeps, id: string): Promise<void> {
  const at = deps.clock.now();
  for (;;) {
    const { version } = await load(deps, id);
    if (await write(deps, id, { version, value: { kind: "deleted", at }, expiresAt: at + DELETED_FOR_MS })) return;
  }
}

function wasDeleted(memory: ResourceMemory | undefined, since: number): boolean {
  return memory?.kind === "deleted" && memory.at > since;
}

async function load({ records, clock }: MemoryDeps, id: string) {
  const record = await records.get(toKey(id), clock.now());
  // Written by this very file.
  const memory = record?.value as ResourceMemory | undefined;
  return { memory, version: record?.version ?? ("absent" as const) };
}

async function write(
  { records, clock }: MemoryDeps,
  id: string,
  input: { readonly version: number | "absent"; readonly value: ResourceMemory; readonly expiresAt?: number },
): Promise<boolean> {
  const { version: expected, ...rest } = input;
  const { kind } = await records.put({ key: toKey(id), expected, now: clock.now(), ...rest });
  return kind === "written";
}

function toKey(id: string): string {
  return `ecs-task/resource/${id}`;
}
