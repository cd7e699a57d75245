import { type CommitVerdict, toCommitId } from "../commit.ts";
import { evaluateCommit, findOwnLack } from "../evaluate-commit.ts";
import { evaluateDeed, toValueDigest } from "../evaluate-deed.ts";
import { isSent } from "../event-message.ts";
import { defined } from "../json.ts";
import type { Stack, StackCommit } from "../stack.ts";
import { giveToPresentDeed } from "./deeds.ts";
import type { Work } from "./work.ts";

/** Notes which commit the stack has after an event, and what has become of the one before. Call it after `endDeed`. */
export function noteCommit(work: Work, before: Stack): void {
  const { event, stack } = work;
  const brought = isSent(event) ? event.commit : undefined;
  const key = brought?.key ?? stack.commit?.key;
  if (key === undefined) return;
  const value = toValueDigest(stack, key);
  const was = stack.commit;
  if (was?.key === key && was.value === value) goOn(work, before, was);
  else begin(work, before, { key, value });
  noteVerdicts(work, before, was);
}

function begin(work: Work, before: Stack, { key, value }: Pick<StackCommit, "key" | "value">): void {
  const { event, stack, dispatches } = work;
  const raw = Object.hasOwn(stack.metadata, key) ? stack.metadata[key] : undefined;
  const stated = isSent(event) && event.commit?.key === key && raw !== undefined ? event.commit.id : undefined;
  const isSet = stated === undefined && work.set.has(key);
  const commit: StackCommit = {
    key,
    value,
    ...defined({ id: toCommitId(raw) ?? stated }),
    entry: toFirstEntry(stack, before),
    state: stack.state,
    ...(isSet && dispatches.length === 0 && { isIdle: true }),
  };
  work.stack = { ...stack, commit };
}

/** Returns the first entry that an event has led to. */
function toFirstEntry(stack: Stack, before: Stack): number {
  return stack.entry === before.entry ? stack.entry : before.entry + 1;
}

/** The same commit: its work may be done again, or begin only now. */
function goOn(work: Work, before: Stack, was: StackCommit): void {
  const { stack, dispatches } = work;
  const { isIdle, ...rest } = was;
  const acting = isIdle && dispatches.length > 0 ? rest : was;
  const isAgain = stack.entry !== before.entry && stack.state === was.state;
  const begins = isAgain || beginsOnlyNow(work, before, was);
  const commit = begins ? { ...acting, state: stack.state, entry: toFirstEntry(stack, before) } : acting;
  if (commit !== was) work.stack = { ...stack, commit };
  if (begins) giveToPresentDeed(work, was.key);
}

/** Returns true when the event that has brought the commit has changed values only, and another one does its work now. */
function beginsOnlyNow({ stack, dispatches }: Work, before: Stack, { key }: StackCommit): boolean {
  const moves = stack.entry !== before.entry || dispatches.length > 0;
  return moves && stack.deed !== before.deed && evaluateDeed(stack, key).kind === "noted";
}

/** Notes the verdicts that the event has changed. */
function noteVerdicts(work: Work, before: Stack, was: StackCommit | undefined): void {
  const now = evaluateCommit(work.stack);
  const then = evaluateCommit(before);
  if (now === undefined || JSON.stringify(now) === JSON.stringify(then)) return;
  const isLeft = then !== undefined && was !== undefined && then.value !== now.value;
  work.commits.push(...(isLeft ? [toLeft(work, then, was)] : []), now);
}

/** Returns what has become of a commit that another one follows. One that the machine has replaced has failed before that. */
function toLeft({ stack, set, event }: Work, then: CommitVerdict, was: StackCommit): CommitVerdict {
  const end = stack.commit?.entry;
  const isByMachine = event.commit === undefined && set.has(was.key);
  const deeds = isByMachine ? Object.values(stack.deeds ?? {}) : [];
  const [lack] = deeds.flatMap((deed) => findOwnLack(deed, was, end) ?? []);
  if (then.is === "failed") return then;
  if (lack !== undefined) return { ...then, is: "failed", lack };
  return then.is === "open" ? { ...then, is: "replaced" } : then;
}
