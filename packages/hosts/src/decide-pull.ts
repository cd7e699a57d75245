import type { HookPull } from "./hook.ts";

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
  /** The head of a fork that a person with write permission trusts. Later heads are not trusted. */
  readonly trustedHead?: string;
}

/** Where the events of a pull request go. */
export interface PullTarget {
  /** Name of the mapping document. */
  readonly mapping: string;
  readonly stackId: string;
}

/** A pull request that Stackyard has not seen. */
export const NO_PULL: PullRecord = { phase: "none", updatedAt: 0 };

/** The current facts, from the host and from the yard. */
export interface PullFacts {
  readonly pull: HookPull;
  /** The target of its events by the current documents; undefined when none of them matches this pull request. */
  readonly target: PullTarget | undefined;
  /** Of that document. */
  readonly forks: "ignore" | "trust" | "allow";
  /** True if the stack of the record exists and has not ended. */
  readonly hasStack: boolean;
  /** True if a person has requested the stack by `/preview up`. */
  readonly isAsked: boolean;
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
  if (pull.updatedAt < record.updatedAt) return { kind: "stale" };
  const seen: PullRecord = { ...record, updatedAt: pull.updatedAt };
  const access = toAccess(record, facts);
  const isWanted = pull.state === "open" && access !== "refused";
  if (target === undefined || !isWanted || hasMoved(record, target)) return close(seen, facts);
  if (access === "waits") return { kind: "waits-for-trust", record: seen };
  if (seen.phase === "none") return send("open", seen, { pull, target });
  if (seen.head !== pull.head) return send(facts.hasStack ? "head" : "open", seen, { pull, target });
  if (facts.isAsked && !facts.hasStack) return send("open", seen, { pull, target });
  return { kind: "nothing", record: seen };
}

function toAccess({ trustedHead }: PullRecord, { pull, forks }: PullFacts): "allowed" | "waits" | "refused" {
  if (!pull.fork || forks === "allow") return "allowed";
  if (forks === "ignore") return "refused";
  return trustedHead === pull.head ? "allowed" : "waits";
}

/** Returns true if the current documents name another stack than the opened one. */
function hasMoved({ phase, target }: PullRecord, { mapping, stackId }: PullTarget): boolean {
  return phase === "open" && (target?.mapping !== mapping || target.stackId !== stackId);
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
