import { type BroughtCommit, type CommitVerdict, toCommitId } from "../commit.ts";
import { evaluateCommit, findOwnLack } from "../evaluate-commit.ts";
import { evaluateDeed, toValueDigest } from "../evaluate-deed.ts";
import { isSent } from "../event-message.ts";
import { defined } from "../json.ts";
import type { Stack, StackCommit } from "../stack.ts";
import { giveToPresentDeed } from "./deeds.ts";
import { adoptSecrets, isSecretKey } from "./stack-secrets.ts";
import { isOnWayOut } from "./way-out.ts";
import type { Work } from "./work.ts";

/** Notes which commit the stack has after an event, and what has become of the one before. Call it after `endDeed`. */
export function noteCommit(work: Work, before: Stack): void {
  const { stack } = work;
  const key = findBrought(work)?.key ?? stack.commit?.key;
  if (key === undefined) return;
  const was = findPresent(work, before);
  const now = toNamed(work, key);
  const isSame = was?.key === key && was.value === now.value;
  // A value such as `latest` may be of another commit each time.
  if (isSame && (now.id === undefined || now.id === was.id)) goOn(work, before, was);
  else begin(work, before, now);
  noteVerdicts(work, before, was);
}

function findBrought({ event }: Work): BroughtCommit | undefined {
  return isSent(event) ? event.commit : undefined;
}

/** Returns the commit of the stack. Of a value that has become sensitive with this revision, it says no more than of others. */
function findPresent({ machine, stack: { commit } }: Work, before: Stack): StackCommit | undefined {
  const adopted = adoptSecrets(machine, before);
  if (commit === undefined || toValueDigest(adopted, commit.key) === toValueDigest(before, commit.key)) return commit;
  const { id, ...rest } = commit;
  const stated = id === before.metadata[commit.key] ? undefined : id;
  return { ...rest, value: toValueDigest(adopted, commit.key), ...defined({ id: stated }) };
}

/** Names the commit of a value: the value itself, which says nothing where it is sensitive, or else what the event states. */
function toNamed(work: Work, key: string): Pick<StackCommit, "key" | "value" | "id"> {
  const { machine, stack } = work;
  const raw = Object.hasOwn(stack.metadata, key) ? stack.metadata[key] : undefined;
  const brought = findBrought(work);
  const stated = brought?.key === key && raw !== undefined ? brought.id : undefined;
  const own = isSecretKey(machine, [stack], key) ? undefined : toCommitId(raw);
  return { key, value: toValueDigest(stack, key), ...defined({ id: own ?? stated }) };
}

function begin(work: Work, before: Stack, named: Pick<StackCommit, "key" | "value" | "id">): void {
  const { stack, dispatches } = work;
  const isSet = findBrought(work)?.key !== named.key && work.set.has(named.key);
  const isKept = named.value === before.commit?.value && stack.entry === before.entry;
  const commit: StackCommit = {
    ...named,
    entry: toFirstEntry(stack, before),
    state: stack.state,
    ...((isSet || isKept) && dispatches.length === 0 && { isIdle: true }),
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
  if (commit !== stack.commit) work.stack = { ...stack, commit };
  if (begins) giveToPresentDeed(work, was.key);
}

/**
 * Returns true when the event that has brought the commit has changed values only, and another one does its work now, whether that brings the
 * commit again or not.
 */
function beginsOnlyNow({ stack, dispatches }: Work, before: Stack, { key }: StackCommit): boolean {
  const moves = stack.entry !== before.entry || dispatches.length > 0;
  if (!moves || stack.deed === before.deed) return false;
  const was = evaluateDeed(before, key);
  return evaluateDeed(stack, key).kind === "noted" || (was.kind !== "unknown" && was.deed.onlyValues === true);
}

/** Notes the verdicts that the event has changed. */
function noteVerdicts(work: Work, before: Stack, was: StackCommit | undefined): void {
  const now = evaluateCommit(work.stack);
  const then = toVerdictOf(was, evaluateCommit(before));
  if (now === undefined || JSON.stringify(now) === JSON.stringify(then)) return;
  // What a removal leaves undone has ended with the stack, and has not failed.
  if (then?.is === "open" && now.lack?.why === "left" && isOnWayOut(work.machine, work.stack.state)) return;
  const isLeft = then !== undefined && was !== undefined && (then.value !== now.value || then.id !== now.id);
  work.commits.push(...(isLeft ? [toLeft(work, then, was)] : []), now);
}

/** Returns a verdict about a commit by its present name. */
function toVerdictOf(was: StackCommit | undefined, verdict: CommitVerdict | undefined): CommitVerdict | undefined {
  if (was === undefined || verdict === undefined) return undefined;
  const { id: _, value: __, ...rest } = verdict;
  return { value: was.value, ...defined({ id: was.id }), ...rest };
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
