import { defined, type ServiceDeps } from "@stackyard/core";
import type { HookEvent, HookOutcome } from "@stackyard/core/services";
import type { CodeHost } from "../code-host.ts";
import { type HostPermission, hasPermission } from "../host-permission.ts";
import type { PullHook } from "../mapping/apply-mapping.ts";
import { isStale } from "../pull/decide-pull.ts";
import { toPullKey, toStoredPull } from "../pull/pull-records.ts";
import type { Hook, HookPull, HookRepository } from "./hook.ts";
import { HookFailed, HookUndecided } from "./hook-errors.ts";
import type { QueuedHook } from "./receive.ts";

/** A hook with current facts, or what became of its delivery without a decision about its pull request. */
export type LookedUp =
  | {
      readonly kind: "hook";
      readonly hook: Hook;
      /** True if the host's API does not know yet what the delivery says: it is read again soon. */
      readonly isBehind?: boolean;
      /** The events of a push that was decided on, of which the yard has refused one. */
      readonly again?: readonly HookEvent[];
    }
  | HookOutcome;

/** These do something by themselves, also where no rule is for them. */
export const OWN_WORDS: ReadonlySet<string> = new Set(["approve", "status", "trust", "up"]);

/** The time for which facts that were read at the host count as current, in milliseconds. */
const FRESH_MS = 60_000;
/** The API of a host may be behind its webhooks for so long, before its facts are believed. */
export const BEHIND_MS = 120_000;

/** The dependencies of look-ups. */
export interface LookUpDeps extends Pick<ServiceDeps, "records" | "clock"> {
  /** The client; undefined where the options of the host do not allow look-ups. */
  readonly codeHost: CodeHost | undefined;
}

/**
 * Adds current facts to a hook: a delivery may be late, and a command has only the number of its pull request. Throws
 * `HookUndecided` while the API does not know the pull request of a new delivery, or knows less than the yard.
 */
export async function lookUp(deps: LookUpDeps, queued: QueuedHook): Promise<LookedUp> {
  const { codeHost, clock } = deps;
  const { host, hook, pullNumber: number = hook.pull?.number } = queued;
  const { kind, action, args, repository } = hook;
  if ((kind !== "pull" && kind !== "command") || isFresh(queued, clock.now())) return { kind: "hook", hook };
  if (kind === "command" && action === "unknown") return { kind: "refused", reason: String(args?.words[0]) };
  if (codeHost === undefined) {
    if (kind === "pull") return toUnread(hook);
    throw new HookFailed(`HOOK_FAILED: commands need "appId" and "key", or "token", of the host "${host}".`);
  }
  if (repository === undefined || number === undefined) return { kind: "nothing", reason: "It names no pull request." };
  const found = await codeHost.findPull(repository, number);
  return useFacts({ ...deps, codeHost }, queued, { hook: { ...hook, repository }, found });
}

async function useFacts(
  deps: LookUpDeps & { readonly codeHost: CodeHost },
  queued: QueuedHook,
  {
    hook,
    found,
  }: { readonly hook: Hook & { readonly repository: HookRepository }; readonly found: HookPull | undefined },
): Promise<LookedUp> {
  const isNew = queued.readAt === undefined && isWaiting(queued, deps.clock.now());
  const facts = chooseFacts(hook.pull, found, isNew);
  if (facts.kind === "unknown") throw new HookUndecided("The API of the host does not know the pull request yet.");
  if (facts.kind === "gone") return { kind: "nothing", reason: "The pull request does not exist any more." };
  const again = defined({ isBehind: facts.isBehind || undefined });
  // The same object: these facts were not read.
  if (facts.kind === "delivered") return { kind: "hook", hook: queued.hook, ...again };
  const now = { ...hook, pull: facts.pull };
  if (hook.pull === undefined) await checkNewer(deps, queued, now);
  return hook.kind === "command" ? checkCommand(deps.codeHost, now) : { kind: "hook", hook: now, ...again };
}

/** Throws while facts of the API alone may be older than those that were decided on. */
async function checkNewer(
  { records, clock }: LookUpDeps,
  queued: QueuedHook,
  { repository, pull }: { readonly repository: HookRepository; readonly pull: HookPull },
): Promise<void> {
  const now = clock.now();
  if (!isWaiting(queued, now)) return;
  const record = toStoredPull(await records.get(toPullKey(queued.host, repository.id, pull.number), now));
  if (!isStale(record, { pull, isRead: isSettled(pull, now) })) return;
  throw new HookUndecided("The API of the host is behind its webhooks.");
}

/** Returns true while it is early to give up on what was delivered or listed: the host or the yard may be behind. */
export function isWaiting({ receivedAt, readAt }: QueuedHook, now: number): boolean {
  return now < (receivedAt ?? readAt ?? 0) + BEHIND_MS;
}

/** Returns true for facts that were read long enough after they changed: the host knows of all changes of that second. */
export function isSettled({ updatedAt }: HookPull, readAt: number): boolean {
  return readAt >= updatedAt + BEHIND_MS;
}

type ChosenFacts =
  | { readonly kind: "unknown" }
  | { readonly kind: "gone" }
  | {
      readonly kind: "delivered" | "found";
      readonly pull: HookPull;
      readonly isBehind: boolean;
    };

/**
 * Chooses between the facts of a delivery and those of the API, which may be behind its webhooks or have lost the
 * repository. What the host has signed counts if it is newer, and a close counts over another change of its second.
 * `isNew`: the delivery is so new that the API may not know its pull request yet.
 */
export function chooseFacts(delivered: HookPull | undefined, found: HookPull | undefined, isNew: boolean): ChosenFacts {
  if (found === undefined) {
    if (delivered?.state === "closed") return { kind: "delivered", pull: delivered, isBehind: false };
    return isNew ? { kind: "unknown" } : { kind: "gone" };
  }
  if (delivered === undefined || delivered.updatedAt < found.updatedAt) {
    return { kind: "found", pull: found, isBehind: false };
  }
  if (delivered.updatedAt > found.updatedAt) return { kind: "delivered", pull: delivered, isBehind: true };
  const isBehind = delivered.state !== found.state || delivered.head !== found.head;
  const isClosed = delivered.state === "closed" && found.state === "open";
  return isClosed ? { kind: "delivered", pull: delivered, isBehind } : { kind: "found", pull: found, isBehind };
}

/** Returns the facts of a delivery when nothing can be looked up. */
function toUnread(hook: Hook): LookedUp {
  if (hook.pull !== undefined) return { kind: "hook", hook };
  return {
    kind: "nothing",
    reason: 'It has no facts; "appId" and "key", or "token", of the host allow to look them up.',
  };
}

function isFresh({ hook, readAt = 0 }: QueuedHook, now: number): boolean {
  return hook.pull !== undefined && readAt > now - FRESH_MS;
}

/**
 * Looks up the sender's permission, and rejects our own commands without it, and trust in an outdated head. The rules
 * define the permissions of other commands.
 */
async function checkCommand(
  codeHost: CodeHost,
  hook: PullHook & { readonly repository: HookRepository },
): Promise<LookedUp> {
  const { action, args, repository, pull, sender } = hook;
  const permission = await codeHost.findPermission(repository, sender.name);
  if (OWN_WORDS.has(action) && !hasPermission(permission, "write")) {
    return { kind: "refused", reason: formatLacking(hook, "write") };
  }
  if (action === "trust" && args?.words[0] !== pull.head) {
    return { kind: "refused", reason: `The head is ${pull.head} now. Look at it, then trust it.` };
  }
  return { kind: "hook", hook: { ...hook, sender: { ...sender, permission } } };
}

/** Returns why a person may not do something. */
export function formatLacking({ sender, repository }: Hook, needed: HostPermission): string {
  return `${sender.name} has no ${needed} permission in ${repository?.fullName}.`;
}
