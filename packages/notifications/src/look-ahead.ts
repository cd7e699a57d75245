import { listPages, type ServiceDeps } from "@stackyard/core";
import { matchRules, type RuleMatch, type Subject } from "./decide-notifications.ts";
import type { Rule } from "./parse-notifications.ts";
import type { HistoryLine } from "./to-subject.ts";

/** What is read ahead, and how a line becomes a subject; undefined: no rule is about it. */
export interface LookAheadInput {
  readonly rules: readonly Rule[];
  readonly queries: Pick<ServiceDeps["queries"], "listHistory">;
  toSubject(line: HistoryLine): Promise<Subject | undefined>;
}

/** Returns whether the end of what began at a position of the history is in the history already. */
export type LookAhead = (match: RuleMatch, position: number) => Promise<boolean>;

/** Creates what looks for ends. The history behind the first position is read once. */
export function createLookAhead(input: LookAheadInput): LookAhead {
  let reading: Promise<ReadonlyMap<string, number>> | undefined;
  return async ({ rule, key, subject }, position) => {
    reading ??= readEnds(input, position);
    const ends = await reading;
    const names = [toName(rule, key), toRemoval(subject.stackId)];
    return names.some((name) => (ends.get(name) ?? 0) > position);
  };
}

async function readEnds(
  { rules, queries, toSubject }: LookAheadInput,
  position: number,
): Promise<ReadonlyMap<string, number>> {
  const ending = rules.filter(({ resolve }) => resolve !== undefined);
  const ends = new Map<string, number>();
  const pages = listPages((start) => queries.listHistory({}, { limit: 200, cursor: String(position), ...start }));
  for await (const { items } of pages) {
    for (const line of items) {
      const subject = await toSubject(line);
      if (subject === undefined) continue;
      for (const name of listEnded(ending, subject, line.stackId)) ends.set(name, line.position);
    }
  }
  return ends;
}

/** Returns the names of what a line ends: all of a stack that it removes, and what the rules resolve. */
function listEnded(ending: readonly Rule[], subject: Subject, stackId: string): readonly string[] {
  const resolved = matchRules(ending, subject).matches.filter(({ kind }) => kind === "resolve");
  const names = resolved.map(({ rule, key }) => toName(rule, key));
  return subject.isRemoval ? [toRemoval(stackId), ...names] : names;
}

function toName({ name }: Rule, key: string | undefined): string {
  return JSON.stringify([name, key]);
}

function toRemoval(stackId: string | undefined): string {
  return JSON.stringify([stackId]);
}
