import type { Applied, Applies, Rule, RuleScope } from "./parse-notifications.ts";
import { findQuietEnd } from "./quiet-hours.ts";

/** A line of the history, or a notice, for rules. */
export interface Subject {
  readonly about: Rule["about"];
  /** Unique and stable. */
  readonly position: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly stackId: string | undefined;
  /** Where the rule has no title or text, or they fail. */
  readonly title: string;
  readonly text: string;
  readonly scope: RuleScope;
}

/** Why an expression of a rule was not used. */
export interface RuleFailure {
  /** Such as `rules.leaked.when`. */
  readonly path: string;
  readonly reason: string;
}

/** A rule that is about a subject. */
export interface RuleMatch {
  readonly rule: Rule;
  readonly kind: "trigger" | "resolve";
  readonly subject: Subject;
  /** The key of its record; undefined when it has none. */
  readonly key: string | undefined;
  readonly isUrgent: boolean;
  readonly title: string;
  readonly text: string;
}

/** The record of a rule and a key. */
export interface RuleRecord {
  /** The position of the last notification. */
  readonly position: string;
  readonly at: number;
  /** Position of the trigger that is open, or was resolved last. */
  readonly incident: string;
  readonly isOpen: boolean;
}

/** The decision about a match. */
export interface Decided {
  /** The notification to send; undefined if nothing is sent. */
  readonly send: Outgoing | undefined;
  /** The record to store once it is queued. */
  readonly record: RuleRecord | undefined;
}

/** The notification for each channel of the rule. */
export interface Outgoing {
  readonly incident: string;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  /** True if it waits, and is sent with others that are due at the same time. */
  readonly isDigest: boolean;
}

/** Returns false if no rule matches, whatever the stack is. The subject may lack its stack. */
export function mayMatch(rules: readonly Rule[], { about, scope }: Subject): boolean {
  const isOn = (condition: Applies<boolean> | undefined): boolean => {
    const applied = condition?.(scope);
    return applied?.kind === "failed" || applied?.value === true;
  };
  return rules.some((rule) => rule.about === about && (rule.needsStack || isOn(rule.when) || isOn(rule.resolve)));
}

/**
 * Returns the rules that match a subject. A condition that fails counts as false; a title, text or key that fails is
 * left out, so that the notification is not lost. Returns all failures.
 */
export function matchRules(
  rules: readonly Rule[],
  subject: Subject,
): { readonly matches: readonly RuleMatch[]; readonly failures: readonly RuleFailure[] } {
  const failures: RuleFailure[] = [];
  const evaluate = <Value>(applies: Applies<Value> | undefined, fallback: Value): Value => {
    if (applies === undefined) return fallback;
    const applied: Applied<Value> = applies(subject.scope);
    if (applied.kind === "value") return applied.value;
    failures.push({ path: applied.path, reason: applied.reason });
    return fallback;
  };
  const matches = rules
    .filter(({ about }) => about === subject.about)
    .flatMap((rule): readonly RuleMatch[] => {
      const isTrigger = evaluate(rule.when, false);
      if (!isTrigger && !evaluate(rule.resolve, false)) return [];
      const own = rule.resolve === undefined ? undefined : (subject.stackId ?? subject.position);
      return [
        {
          rule,
          subject,
          kind: isTrigger ? "trigger" : "resolve",
          key: evaluate<string | undefined>(rule.dedupe?.key, own) ?? own,
          isUrgent: evaluate(rule.urgent, false),
          title: evaluate(rule.title, subject.title) || subject.title,
          text: evaluate(rule.text, subject.text),
        },
      ];
    });
  return { matches, failures };
}

/**
 * Decides whether and when to send a match. Pure: the same match and record produce the same decision, and repeating
 * the last match repeats its decision.
 */
export function decideNotification(
  { rule, kind, subject, isUrgent }: RuleMatch,
  record: RuleRecord | undefined,
): Decided {
  const { position, at } = subject;
  const isRepeated = record?.position === position;
  if (kind === "resolve") {
    if (record === undefined || (!record.isOpen && !isRepeated)) return NOTHING;
    const { incident } = record;
    const resolved = { position, at, incident, isOpen: false };
    return { send: { incident, dueAt: at, isDigest: false }, record: resolved };
  }
  const open = record?.isOpen === true ? record : undefined;
  if (open !== undefined && !isRepeated && at < open.at + (rule.dedupe?.forMs ?? 0)) return NOTHING;
  const incident = rule.resolve === undefined ? position : (open?.incident ?? position);
  return { send: { incident, ...toDelay(rule, at, isUrgent) }, record: { position, at, incident, isOpen: true } };
}

const NOTHING: Decided = { send: undefined, record: undefined };

function toDelay({ digest, quiet }: Rule, at: number, isUrgent: boolean): Pick<Outgoing, "dueAt" | "isDigest"> {
  if (isUrgent) return { dueAt: at, isDigest: false };
  const dueAt = digest === undefined ? at : (Math.floor(at / digest.everyMs) + 1) * digest.everyMs;
  const quietEnd = quiet && findQuietEnd(quiet, dueAt);
  return { dueAt: quietEnd ?? dueAt, isDigest: (digest ?? quietEnd) !== undefined };
}
