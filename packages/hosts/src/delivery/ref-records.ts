import { defined, type ServiceDeps } from "@stackyard/core";
import { defineRecordKind, findEventFate, type HookEvent, type RecordsDeps } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { digestOf } from "./describe-delivery.ts";
import type { Hook, HookPush, RepositoryPlace } from "./hook.ts";
import { type QueuedHook, toWishedAt } from "./receive.ts";

const DAY_MS = 86_400_000;
/** A branch without a push for so long is not compared any more. */
const KEEP_MS = 400 * DAY_MS;
/** Tags, and branches that were deleted: deliveries are accepted for three days. */
const KEEP_ENDED_MS = 15 * DAY_MS;

const RefRecord = Type.Object({
  ref: Type.String(),
  /** What it pointed to. Missing: it was deleted. */
  head: Type.Optional(Type.String()),
  /** When that was pushed, or else read. */
  at: Type.Number(),
  /** The events of that push. Missing: the yard has applied them. */
  events: Type.Optional(
    Type.Array(Type.Object({ id: Type.String(), stackId: Type.String(), event: Type.String(), rule: Type.String() })),
  ),
});
/** Where a ref pointed to when a push was decided on. */
export type RefRecord = Static<typeof RefRecord>;

/** The branches and tags whose pushes had events, and where they pointed to then. */
export const refRecords = defineRecordKind({
  prefix: "hooks/refs/",
  value: RefRecord,
  holds: "branches and tags whose pushes had events",
  kept: "400 days after the last push, 15 after the end of a branch",
  damaged: "missing",
});

/** A ref of a repository at a host. */
export interface RefPlace {
  readonly host: string;
  readonly repository: Pick<RepositoryPlace, "id">;
  readonly ref: string;
}

/** Returns the beginning of the names of a repository's records. */
export function toRefPrefix({ host, repository }: Pick<RefPlace, "host" | "repository">): string {
  return `${host}/${repository.id}/`;
}

/** Returns the name of the record of a ref. */
export function toRefName(place: RefPlace): string {
  return `${toRefPrefix(place)}${digestOf(place.ref)}`;
}

/** Returns the push of a ref that points there now. Without a head it does not exist. */
export function toPush(ref: string, name: string, head: string | undefined): HookPush {
  return { ref, name, head: head ?? "0".repeat(40), deleted: head === undefined };
}

/** Notes where a ref points to, once the events of its push are published. */
export async function noteRef(
  deps: RecordsDeps,
  queued: QueuedHook,
  { hook: { repository, push }, events }: { readonly hook: Hook; readonly events: readonly HookEvent[] },
): Promise<void> {
  if (repository === undefined || push === undefined) return;
  const { ref } = push;
  const head = push.deleted ? undefined : push.head;
  const keepMs = head !== undefined && ref.startsWith("refs/heads/") ? KEEP_MS : KEEP_ENDED_MS;
  await refRecords.change(deps, toRefName({ host: queued.host, repository, ref }), (found, now) => {
    const at = Math.max(found?.value.at ?? 0, toWishedAt(queued));
    const value = { ref, at, ...defined({ head }), ...(events.length > 0 && { events: [...events] }) };
    return { write: { value, expiresAt: now + keepMs } };
  });
}

/** Returns the events of the last push to a ref, if the yard has refused one of them. */
export async function findRefused(
  deps: Pick<ServiceDeps, "queries">,
  { events = [] }: Pick<RefRecord, "events"> = {},
): Promise<readonly HookEvent[] | undefined> {
  const fates = await Promise.all(events.map((event) => findEventFate(deps, event)));
  return fates.some(({ kind }) => kind === "refused") ? events : undefined;
}
