import type { HookPull, HookRepository } from "../delivery/hook.ts";
import { isSettled } from "../delivery/look-up.ts";
import { applyPull } from "../mapping/apply-mapping.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { NO_PULL } from "../pull/decide-pull.ts";
import type { StoredPull } from "../pull/pull-records.ts";
import { toConvergeHook } from "./converge.ts";

/** The facts of a host and the yard about the pull requests of a repository. */
export interface RepositoryFacts {
  readonly host: string;
  readonly repository: HookRepository;
  /** All open ones. */
  readonly pulls: readonly HookPull[];
  /** Numbers of open ones that could not be read. */
  readonly unread?: ReadonlySet<number>;
  /** By number. */
  readonly records: ReadonlyMap<number, StoredPull>;
  /** Numbers of those whose last event the yard has not applied. */
  readonly refused?: ReadonlySet<number>;
  /** When the list was read. */
  readonly readAt: number;
}

/** A pull request that needs a decision. Without facts it is not open any more: they are looked up. */
export interface UnsettledPull {
  readonly number: number;
  readonly pull?: HookPull;
}

/**
 * Returns the pull requests with outdated records: their deliveries were lost, or their mapping documents have changed.
 * A decision about the others would change nothing.
 */
export function findUnsettled(mappings: readonly Mapping[], facts: RepositoryFacts): readonly UnsettledPull[] {
  const { host, repository, pulls, records, readAt, unread = new Set(), refused = new Set() } = facts;
  const base = toConvergeHook(host, repository);
  const open = new Set([...pulls.map(({ number }) => number), ...unread]);
  const changed = pulls.filter((pull) => {
    const record: StoredPull = records.get(pull.number) ?? NO_PULL;
    // The existence of the stack decides only which event follows, not whether one does.
    const state = { record, hasStack: true, isAsked: false, isRead: isSettled(pull, readAt) };
    if (refused.has(pull.number) || record.wishes !== undefined) return true;
    const applied = applyPull(mappings, { host, hook: { ...base, pull } }, state);
    if (applied.kind === "send" || applied.kind === "failed") return true;
    if (applied.kind === "stale") return false;
    const { phase, head, target } = applied.record;
    // A document with another name or template is noted while it still names the same stack.
    const isRenamed = JSON.stringify(target) !== JSON.stringify(record.target);
    return phase !== record.phase || head !== record.head || isRenamed;
  });
  const gone = [...records].filter(
    ([number, { phase }]) => !open.has(number) && (phase === "open" || refused.has(number)),
  );
  return [...changed.map((pull) => ({ number: pull.number, pull })), ...gone.map(([number]) => ({ number }))];
}
