import type { HookPull } from "../delivery/hook.ts";

/** Stackyard's state of one pull request, stored as a record. */
export interface PullRecord {
  /** `open`: a stack was requested and not yet closed. */
  readonly phase: "none" | "open";
  /** The head of the last event that was sent. */
  readonly head?: string;
  /** The mapping document and the stack of the events that were sent. */
  readonly target?: PullTarget;
  /** The newest `updatedAt` that was decided on. */
  readonly updatedAt: number;
  /** True if the pull request was closed at that time. */
  readonly isClosed?: true;
  /** The name of the repository when an event was last sent. */
  readonly repository?: string;
  /** The head of a fork that a person with write permission trusts. Later heads are not trusted. */
  readonly trustedHead?: string;
}

/** Where the events of a pull request go. */
export interface PullTarget {
  /** Name of the mapping document. */
  readonly mapping: string;
  readonly stackId: string;
  /** The template of the stack's id when the stack was opened. */
  readonly template?: string;
}

/** A pull request that Stackyard has not seen. */
export const NO_PULL: PullRecord = { phase: "none", updatedAt: 0 };

/** The current facts, from the host and from the yard. */
export interface PullFacts {
  readonly pull: HookPull;
  /** The target of its events by the current documents; undefined when none of them matches this pull request. */
  readonly target: PullTarget | undefined;
  /** The document's rule for forks. */
  readonly forks: "ignore" | "trust" | "allow";
  /** True if the stack of the record exists and has not ended. */
  readonly hasStack: boolean;
  /** True if that stack is being removed: only an opening event is kept for the one after it. */
  readonly isEnding?: boolean;
  /** True if a person has removed that stack by force: only a person opens it again. */
  readonly isRemoved?: boolean;
  /** True if a person has requested the stack by `/preview up`. */
  readonly isAsked: boolean;
  /** True if the event of the same head is requested again. */
  readonly isRerun?: boolean;
  /** True if the facts were read at the host, long enough after their change; false for those of a delivery. */
  readonly isRead?: boolean;
}

/** The rule of a mapping document under `pull`. */
export type PullRule = "open" | "head" | "closed";

/**
 * The decision about a pull request.
 * - `send`: the event of this rule to this target; `record` is stored after it was published.
 * - `nothing`: the record, which may have changed, is stored.
 * - `waits-for-trust`: nothing is sent for this head before it is trusted.
 * - `stale`: the facts are older than those of the last decision. Nothing is stored.
 */
export type PullDecision =
  | { readonly kind: "send"; readonly rule: PullRule; readonly target: PullTarget; readonly record: PullRecord }
  | { readonly kind: "nothing" | "waits-for-trust"; readonly record: PullRecord }
  | { readonly kind: "stale" };

/**
 * Decides what a pull request needs from the current facts, not from a webhook's content: lost, duplicate and reordered
 * deliveries lead to the same stack. A stack that ended under an open pull request returns with the next head, or when
 * a person requests it.
 */
export function decidePull(record: PullRecord, facts: PullFacts): PullDecision {
  const { pull, target } = facts;
  if (isStale(record, facts)) return { kind: "stale" };
  const { isClosed, ...before } = record;
  const seen: PullRecord = {
    ...before,
    updatedAt: pull.updatedAt,
    ...(pull.state === "closed" && { isClosed: true as const }),
  };
  const access = toAccess(record, facts);
  const isWanted = pull.state === "open" && access !== "refused";
  if (target === undefined || !isWanted || hasMoved(record, target)) return close(seen, facts);
  if (access === "waits") return { kind: "waits-for-trust", record: seen };
  // Its branch is gone, or has no commits yet. What is there stays.
  if (pull.head === NO_COMMIT) return { kind: "nothing", record: seen };
  const rule = chooseRule(seen, facts);
  const isLeft = facts.isRemoved === true && seen.phase === "open" && !facts.isAsked && facts.isRerun !== true;
  if (isLeft && rule !== undefined) return { kind: "nothing", record: { ...seen, head: pull.head } };
  return rule === undefined ? { kind: "nothing", record: seen } : send(rule, seen, { pull, target });
}

function chooseRule({ phase, head }: PullRecord, facts: PullFacts): "open" | "head" | undefined {
  const { pull, hasStack, isEnding = false, isAsked, isRerun = false } = facts;
  if (phase === "none") return "open";
  if (head !== pull.head) return hasStack ? "head" : "open";
  if (isRerun) return hasStack && !isEnding ? "head" : "open";
  return isAsked && !hasStack ? "open" : undefined;
}

/** The head of a pull request without commits. */
export const NO_COMMIT = "0".repeat(40);

/**
 * Returns true for facts older than those of the last decision. Hosts count in seconds: of a close and another change
 * in the same second, the close wins, unless the host was asked later.
 */
export function isStale(
  { updatedAt, isClosed }: PullRecord,
  { pull, isRead = false }: Pick<PullFacts, "pull" | "isRead">,
): boolean {
  if (pull.updatedAt < updatedAt) return true;
  return pull.updatedAt === updatedAt && isClosed === true && pull.state === "open" && !isRead;
}

function toAccess({ trustedHead }: PullRecord, { pull, forks }: PullFacts): "allowed" | "waits" | "refused" {
  if (!pull.fork || forks === "allow") return "allowed";
  if (forks === "ignore") return "refused";
  return trustedHead === pull.head ? "allowed" : "waits";
}

/** Returns true if the current documents name another stack than the opened one. */
function hasMoved({ phase, target }: PullRecord, { stackId }: PullTarget): boolean {
  return phase === "open" && target?.stackId !== stackId;
}

function send(
  rule: "open" | "head",
  record: PullRecord,
  { pull, target }: { pull: HookPull; target: PullTarget },
): PullDecision {
  return { kind: "send", rule, target, record: { ...record, phase: "open", head: pull.head, target } };
}

function close(record: PullRecord, { hasStack }: PullFacts): PullDecision {
  const { target } = record;
  if (record.phase === "none" || target === undefined) return { kind: "nothing", record };
  const closed: PullRecord = { ...record, phase: "none" };
  // An event to a stack that ended would create it anew.
  return hasStack ? { kind: "send", rule: "closed", target, record: closed } : { kind: "nothing", record: closed };
}

/** Records that a person trusts a head. @see decidePull */
export function trustHead(record: PullRecord, head: string): PullRecord {
  return { ...record, trustedHead: head };
}
