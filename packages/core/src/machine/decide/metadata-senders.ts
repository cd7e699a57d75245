import { APPROVAL_EVENTS, isSent, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../event-message.ts";
import type { Machine } from "../machine.ts";
import type { KnownSender, MetadataSender, Stack } from "../stack.ts";
import { toKnownSender, type Work } from "./work.ts";

/** The most keys of one sender. One who has changed more counts for all keys, and for good. */
const MOST_KEYS = 200;
const ALL = "*";

/** Stands for senders of whom nothing is known, such as those of a queue without names of principals. */
export const UNKNOWN_SENDER: KnownSender = { kind: "anonymous", id: "", name: "unknown" };

/** Stands for the stack itself among the keys of a sender: it has created it. No key of metadata is empty. */
const BIRTH = "";

/** Stands for the revision that someone has moved the stack to: it may have values of its own. Keys have no line ends. */
const REVISION = "\n";

const NO_KEYS: ReadonlySet<string> = new Set([BIRTH, REVISION]);

/**
 * Notes who has changed which metadata, for approvals: who asks is everybody whose input the approved content has, here or
 * where a release carries it. Machines without approvals and without releases keep nothing. `before` is the stack as it was
 * before the event.
 */
export function noteMetadataSender(work: Work, before: Stack): void {
  const { event, machine, stack, brought } = work;
  if (!keepsSenders(machine)) return;
  // A release may send what is there already: it has requested that too.
  const own = event.origin === "stack" ? brought.own : [];
  const moved = isMovedBySender(work, before) ? [REVISION] : [];
  const born = before.incarnation === event.id ? [BIRTH] : [];
  const changed = new Set([...listChanged(before, stack), ...own, ...born, ...moved]);
  if (changed.size === 0) return;
  const isNoted = toCause(event) !== "engine" && !APPROVAL_EVENTS.has(event.name);
  let noted: readonly MetadataSender[] = (stack.metadataBy ?? []).map((each) => without(each, changed, toCause(event)));
  for (const sender of isNoted ? listSenders(event) : []) noted = addKeys(noted, sender, changed);
  work.stack = { ...stack, metadataBy: noted.filter(({ keys, derived = [] }) => keys.length + derived.length > 0) };
}

/** Returns true when a person moves the stack to another revision: it does not follow its machine by itself. */
export function isMovedBySender({ event, machine }: Work, before: Stack): boolean {
  return isSent(event) && event.name === SYSTEM_EVENTS.upgradeStack && before.machineHash !== machine.hash;
}

/** `result`: a sender has answered for a task, so the values come from those of others too. */
type Cause = "sender" | "result" | "engine";

function toCause(event: StackEvent): Cause {
  if (!isSent(event)) return "engine";
  return RESULT_EVENTS.has(event.name) ? "result" : "sender";
}

/**
 * Takes the changed keys from a sender whose values were replaced. Values of timers, tasks and reactions come from those
 * of the senders of then, who keep their part in them when others replace what they have sent.
 */
function without({ derived = [], ...sender }: MetadataSender, changed: ReadonlySet<string>, cause: Cause) {
  const left = (names: readonly string[]) => names.filter((key) => !changed.has(key));
  const keys = cause === "engine" ? sender.keys : left(sender.keys);
  const isPart = cause !== "sender" && sender.keys.length > 0;
  const next = isPart ? bound([...new Set([...derived, ...changed])]) : left(derived);
  return { ...sender, keys, ...(next.length > 0 && { derived: next }) };
}

/** Returns who has sent an event: of a release also those who have requested it. */
export function listSenders({ sender }: Pick<StackEvent, "sender">): readonly KnownSender[] {
  return sender === undefined ? [UNKNOWN_SENDER] : [toKnownSender(sender), ...(sender.askers ?? [])];
}

function addKeys(
  kept: readonly MetadataSender[],
  sender: KnownSender,
  changed: ReadonlySet<string>,
): readonly MetadataSender[] {
  const own = kept.find((each) => isSameSender(each, sender));
  const keys = bound([...new Set([...(own?.keys ?? []), ...changed])]);
  return [...kept.filter((each) => each !== own), { ...own, ...sender, keys }];
}

function bound(keys: readonly string[]): readonly string[] {
  return keys.length > MOST_KEYS || keys.includes(ALL) ? [ALL] : keys;
}

/** Returns those whose input is in the metadata of a stack. */
export function listMetadataSenders({ metadataBy = [] }: Stack): readonly KnownSender[] {
  return metadataBy.filter(({ keys, derived }) => derived || keys.some((key) => !NO_KEYS.has(key))).map(toSender);
}

/** More than a release usually has, and few enough for an event. */
const MOST_ASKERS = 50;

/**
 * Returns everybody who has requested a release: who has led it on last, who has created it or moved it to its revision, and
 * whose values it carries. Who
 * is left out is not known.
 */
export function listAskers({ askedBy = UNKNOWN_SENDER, metadataBy = [] }: Stack): readonly KnownSender[] {
  const others = metadataBy.map(toSender).filter((sender) => !isSameSender(sender, askedBy));
  const all = [askedBy, ...others];
  return all.length > MOST_ASKERS ? [...all.slice(0, MOST_ASKERS), UNKNOWN_SENDER] : all;
}

function toSender({ keys: _, derived: __, ...sender }: MetadataSender): KnownSender {
  return sender;
}

/** Returns true for the same sender, whatever its name is now. */
export function isSameSender(a: KnownSender, b: KnownSender): boolean {
  return a.kind === b.kind && a.id === b.id;
}

function keepsSenders(machine: Machine): boolean {
  return [...machine.tasks.values()].some(({ isApproval, sends }) => isApproval || sends);
}

/** Returns the keys that differ; a removed one differs too, and a sensitive one by the count of its values. */
function listChanged(a: Stack, b: Stack): ReadonlySet<string> {
  const differing = listDiffering(a.metadata, b.metadata);
  return new Set([...differing, ...listDiffering(a.secretVersions ?? {}, b.secretVersions ?? {})]);
}

type Values = Readonly<Record<string, unknown>>;

function listDiffering(before: Values, after: Values): readonly string[] {
  if (before === after) return [];
  const keys = [...Object.keys(before), ...Object.keys(after)];
  return keys.filter((key) => Object.hasOwn(before, key) !== Object.hasOwn(after, key) || before[key] !== after[key]);
}
