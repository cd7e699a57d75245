import type { Machine } from "../machine.ts";
import type { KnownSender, MetadataSender, Stack } from "../stack.ts";
import { toKnownSender, type Work } from "./work.ts";

/** Of one sender. Who has changed more keys counts for all of them, and for good. */
const MOST_KEYS = 200;
const ALL = "*";

/**
 * Notes who has changed which metadata, for approvals: who asks is everybody whose input the approved content has.
 * Machines without approvals keep nothing. `before` is the stack as it was before the event.
 */
export function noteMetadataSender(work: Work, before: Stack): void {
  const { event, machine, stack } = work;
  if (event.origin !== "external" || event.sender === undefined || !hasApprovals(machine)) return;
  const changed = listChanged(before, stack);
  if (changed.size === 0) return;
  const sender = toKnownSender(event.sender);
  const { metadataBy = [] } = stack;
  const own = metadataBy.find((each) => isSameSender(each, sender));
  const others = metadataBy.filter((each) => each !== own).map((each) => without(each, changed));
  const keys = [...new Set([...(own?.keys ?? []), ...changed])];
  const noted = { ...sender, keys: keys.length > MOST_KEYS || keys.includes(ALL) ? [ALL] : keys };
  work.stack = { ...stack, metadataBy: [...others.filter((each) => each.keys.length > 0), noted] };
}

/** Returns those whose input is in the metadata of a stack. */
export function listMetadataSenders({ metadataBy = [] }: Stack): readonly KnownSender[] {
  return metadataBy.map(({ keys: _, ...sender }) => sender);
}

/** Returns true for the same sender, whatever its name is now. */
export function isSameSender(a: KnownSender, b: KnownSender): boolean {
  return a.kind === b.kind && a.id === b.id;
}

function hasApprovals(machine: Machine): boolean {
  return [...machine.tasks.values()].some(({ isApproval }) => isApproval);
}

function without(sender: MetadataSender, changed: ReadonlySet<string>): MetadataSender {
  return { ...sender, keys: sender.keys.filter((key) => !changed.has(key)) };
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
