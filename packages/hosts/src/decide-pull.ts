import type { HookPull } from "./hook.ts";

/** What Stackyard has done for one pull request. Kept as a record. */
export interface PullRecord {
  /** `open`: a stack was asked for and not yet closed. */
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

/** What is true now, by the host and by the yard. */
export interface PullFacts {
  readonly pull: HookPull;
  /** Where its events go by the documents of now; undefined when none of them is for this pull request. */
  readonly target: PullTarget | undefined;
  /** Of that document. */
  readonly forks: "ignore" | "trust" | "allow";
  /** The stack of the record exists and has not ended. */
  readonly hasStack: boolean;
  /** A person has asked for the stack by `/preview up`. */
  readonly isAsked: boolean;
}

/** The rule of a mapping document under `pull`. */
export type PullRule = "open" | "head" | "closed";

/**
 * What follows for a pull request.
 * - `send`: the event of this rule to this target; `record` is kept after it was published.
 * - `nothing`: the record, which may have changed, is kept.
 * - `waits-for-trust`: nothing is sent for this head before it is trusted.
 * - `stale`: the facts are older than those that were decided on. Nothing is kept.
 */
export type PullDecision =
  | { readonly kind: "send"; readonly rule: PullRule; readonly target: PullTarget; readonly record: PullRecord }
  | { readonly kind: "nothing" | "waits-for-trust"; readonly record: PullRecord }
  | { readonly kind: "stale" };

/**
 * Decides what a pull request needs from what is true now, not from what a webhook reported: lost, doubled and reordered
 * deliveries lead to the same stack. A stack that ended under an open pull request returns with the next head, or when a
 * person asks for it.
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

/** True when the documents of now name another stack than the one that was opened. */
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

/** Keeps that a person trusts a head. @see decidePull */
export function trustHead(record: PullRecord, head: string): PullRecord {
  return { ...record, trustedHead: head };
}
