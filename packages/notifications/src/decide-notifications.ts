import { defined } from "@stackyard/core";
import { type Static, Type } from "typebox";
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
  /** True for the line with which a stack is removed: it ends what is open about the stack. */
  readonly isRemoval: boolean;
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

/** The record of a rule and a key on a channel. It is stored once the channel has taken what was decided. */
export const RuleRecord = Type.Object({
  /** The position of the last match. */
  position: Type.String(),
  /** Position of the trigger that is open, or was resolved last. */
  incident: Type.String(),
  isOpen: Type.Boolean(),
  /** When a trigger was sent last, or will be; 0: none was. */
  triggeredAt: Type.Number(),
  /** True while the trigger waits for the end of `for`. */
  isWaiting: Type.Boolean(),
  /** What ends it: the id of the ending under which it began. */
  endsBy: Type.Optional(Type.String()),
  /** Whether a trigger of this incident was sent, or waits. */
  isSent: Type.Boolean(),
});
export type RuleRecord = Static<typeof RuleRecord>;

/** The decision about a match. */
export interface Decided {
  /** The notification to send; undefined if nothing is sent. */
  readonly send?: Outgoing;
  /** The record to store afterwards; undefined: the stored one is kept. */
  readonly record?: RuleRecord;
  /** The trigger that waits until then is not sent any more. If it was sent meanwhile, `send` is. */
  readonly cancels?: number;
}

/** What is sent. */
export interface Outgoing {
  readonly incident: string;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  /** True if it waits, and is sent with others of the rule that are due at the same time. */
  readonly isDigest: boolean;
}

/** Returns false if no rule matches, whatever the stack is. The subject may lack its stack. */
export function mayMatch(rules: readonly Rule[], { about, isRemoval, scope }: Subject): boolean {
  const isOn = (condition: Applies<boolean> | undefined): boolean => {
    const applied = condition?.(scope);
    return applied?.kind === "failed" || applied?.value === true;
  };
  const isOver = (rule: Rule) => isOn(rule.resolve) || (isRemoval && rule.resolve !== undefined);
  return rules.some((rule) => rule.about === about && (rule.needsStack || isOn(rule.when) || isOver(rule)));
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
      const isRemoval = !isTrigger && subject.isRemoval && rule.resolve !== undefined;
      if (!isTrigger && !isRemoval && !evaluate(rule.resolve, false)) return [];
      const own = toOwnKey(rule, subject);
      return [
        {
          rule,
          subject,
          kind: isTrigger ? "trigger" : "resolve",
          // The key of a removed stack cannot be evaluated: its alert is found by the stack.
          key: isRemoval ? own : (evaluate<string | undefined>(rule.dedupe?.key, own) ?? own),
          isUrgent: evaluate(rule.urgent, false),
          title: evaluate(rule.title, subject.title) || subject.title,
          text: evaluate(rule.text, subject.text),
        },
      ];
    });
  return { matches, failures };
}

/** Returns the key of a match without its rule's `dedupe`; undefined: nothing resolves it, so it needs no record. */
function toOwnKey({ resolve }: Rule, { stackId, position }: Subject): string | undefined {
  return resolve === undefined ? undefined : (stackId ?? position);
}

/**
 * Decides whether and when to send a match. Pure. A match that was decided on is not sent again. A trigger within `for`
 * after the last one, which has ended, waits for the end of this time, and is not sent if it ends before. A rule of an earlier
 * document ends only what began under it.
 */
export function decideNotification(match: RuleMatch, record: RuleRecord | undefined): Decided {
  if (record?.position === match.subject.position) return {};
  if (match.rule.isFormer && record?.endsBy !== match.rule.ending?.id) return {};
  if (match.kind === "trigger") return decideTrigger(match, record);
  return record?.isOpen === true ? decideEnd(match, record) : {};
}

function decideTrigger({ rule, subject, isUrgent }: RuleMatch, record: RuleRecord | undefined): Decided {
  const { position, at } = subject;
  const nextAt = record === undefined ? at : record.triggeredAt + (rule.dedupe?.forMs ?? 0);
  const isOpen = record?.isOpen === true;
  if (isOpen && at < nextAt) return {};
  const incident = isOpen && rule.resolve !== undefined ? record.incident : position;
  const isWaiting = rule.dedupe !== undefined && at < nextAt;
  const delay = isWaiting ? { dueAt: nextAt, isDigest: true } : toDelay(rule, at, isUrgent);
  const triggeredAt = isWaiting ? nextAt : at;
  return {
    send: { incident, ...delay },
    record: {
      ...{ position, incident, isOpen: true, triggeredAt, isWaiting, isSent: true },
      ...defined({ endsBy: rule.ending?.id }),
    },
  };
}

function decideEnd({ rule, subject: { position, at } }: RuleMatch, open: RuleRecord): Decided {
  const send = { incident: open.incident, dueAt: at, isDigest: false };
  const record = { ...open, position, isOpen: false, isWaiting: false };
  if (!open.isWaiting || open.triggeredAt <= at) return { send, record };
  const triggeredAt = open.triggeredAt - (rule.dedupe?.forMs ?? 0);
  return { send, record: { ...record, triggeredAt, isSent: false }, cancels: open.triggeredAt };
}

/** Returns the record of a trigger that was decided on and left out. */
export function leaveOut(record: RuleRecord, before: RuleRecord | undefined): RuleRecord {
  const isSent = before?.incident === record.incident && before.isSent;
  return { ...record, isSent, isWaiting: false, triggeredAt: before?.triggeredAt ?? 0 };
}

function toDelay({ digest, quiet }: Rule, at: number, isUrgent: boolean): Pick<Outgoing, "dueAt" | "isDigest"> {
  if (isUrgent) return { dueAt: at, isDigest: false };
  const dueAt = digest === undefined ? at : (Math.floor(at / digest.everyMs) + 1) * digest.everyMs;
  const quietEnd = quiet && findQuietEnd(quiet, dueAt);
  return { dueAt: quietEnd ?? dueAt, isDigest: (digest ?? quietEnd) !== undefined };
}
