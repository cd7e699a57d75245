import type { ServiceDeps } from "@stackyard/core";
import type { CodeHost } from "../code-host.ts";
import type { HookRepository } from "./hook.ts";
import { HookUndecided } from "./hook-errors.ts";
import { isWaiting, type LookedUp, type LookUpDeps } from "./look-up.ts";
import { type QueuedHook, toWishedAt } from "./receive.ts";
import { findRefused, type RefRecord, refRecords, toPush, toRefName } from "./ref-records.ts";

const NOTHING_NEW = "The ref points to what was decided on.";

/**
 * Replaces what a push says by where its ref points to now: a delivery may be late, and a later push may have been read
 * before it. Throws `HookUndecided` while the API may not know of a new push. A host that is not asked, or does not allow it,
 * is believed as long as no later push was decided on.
 */
export async function lookUpRef(
  deps: LookUpDeps & Pick<ServiceDeps, "queries">,
  queued: QueuedHook,
): Promise<LookedUp> {
  const { codeHost, clock } = deps;
  const { host, hook } = queued;
  const { repository, push } = hook;
  if (repository === undefined || push === undefined) return { kind: "hook", hook };
  const before = await refRecords.find(deps, toRefName({ host, repository, ref: push.ref }));
  const read = codeHost && (await readRef(codeHost, repository, push.ref));
  if (read === undefined) return believeUnlessLater(queued, before);
  const { head } = read;
  const action = head === undefined ? "deleted" : "pushed";
  const current = { ...hook, action, push: toPush(push.ref, push.name, head) } as const;
  // Without a record, what a deletion ends may be from before the records.
  if (head === before?.head && (before !== undefined || !push.deleted)) {
    const again = await findRefused(deps, before);
    if (again !== undefined) return { kind: "hook", hook: current, again };
    checkKnown(queued, { head, delivered: push.deleted ? undefined : push.head, now: clock.now() });
    return { kind: "nothing", reason: NOTHING_NEW };
  }
  return { kind: "hook", hook: current };
}

/** Believes a delivered push that was not looked up, unless a later push to its ref was decided on. */
function believeUnlessLater(queued: QueuedHook, before: RefRecord | undefined): LookedUp {
  if (before === undefined || toWishedAt(queued) >= before.at) return { kind: "hook", hook: queued.hook };
  return { kind: "stale", reason: "HOOK_STALE: a later push to the ref was decided on." };
}

interface ReadPush {
  readonly head: string | undefined;
  readonly delivered: string | undefined;
  readonly now: number;
}

/** Throws `HookUndecided` while the API may not know of a delivered push. */
function checkKnown(queued: QueuedHook, { head, delivered, now }: ReadPush): void {
  if (head === delivered || queued.receivedAt === undefined || !isWaiting(queued, now)) return;
  throw new HookUndecided("The API of the host is behind its webhooks.");
}

/** Returns where a ref points to; undefined where the App or the token may not read contents. */
export async function readRef(
  codeHost: CodeHost,
  repository: HookRepository,
  ref: string,
): Promise<{ readonly head: string | undefined } | undefined> {
  try {
    return { head: await codeHost.findRef(repository, ref) };
  } catch (error) {
    if (codeHost.toFault(error)?.kind === "forbidden") return undefined;
    throw error;
  }
}
