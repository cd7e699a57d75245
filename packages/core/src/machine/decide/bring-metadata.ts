import type { Machine } from "../machine.ts";
import type { StackEvent } from "../message/event.ts";
import { isMap } from "../message/unwrap-body.ts";
import type { Metadata, Stack } from "../stack.ts";
import type { Rejected } from "./decision.ts";
import { mergeMetadata } from "./merge-metadata.ts";
import { findMetadataFault, findMissingFault, listDefaults } from "./metadata-rules.ts";

/** A change of metadata that was checked but not stored. */
export interface MetadataChange {
  /** All of it, as it would be. */
  readonly metadata: Metadata;
  /** What was set, also where the value is the one from before. */
  readonly keys: readonly string[];
}

/** What an event changes of the metadata. For the first one of a stack that is the defaults too. */
export interface BroughtMetadata extends MetadataChange {
  /** The keys that stand in the event itself. */
  readonly own: readonly string[];
}

/** Metadata that an event brings, or why it may not. */
export type Brought = ({ readonly kind: "brought" } & BroughtMetadata) | Rejected;

/**
 * Checks what an event brings: first that it is flat and not too large, then the machine's rules. A stack that begins gets
 * the defaults of keys that its first event does not bring, and must have the required ones.
 */
export function checkBrought(machine: Machine, stack: Stack | undefined, event: StackEvent): Brought {
  const rules = machine.metadata;
  const merged = mergeMetadata(stack?.metadata ?? listDefaults(rules), event.metadata);
  if (merged.kind === "rejected") return merged;
  const { metadata } = merged;
  const own = isMap(event.metadata) ? Object.keys(event.metadata) : NO_KEYS;
  const fault = findMetadataFault(rules, { next: metadata, keys: own, present: stack?.metadata ?? {} });
  if (fault !== undefined) return { kind: "rejected", ...fault };
  const missing = stack === undefined ? findMissingFault(rules, metadata) : undefined;
  if (missing !== undefined) return { kind: "rejected", code: "METADATA_INVALID", reason: missing };
  return { kind: "brought", metadata, own, keys: stack === undefined ? Object.keys(metadata) : own };
}

/** The keys that this event must bring and does not, as a refusal; that the stack has them already does not count. */
export function findUnbrought(machine: Machine, { name, metadata }: StackEvent): Rejected | undefined {
  const required = machine.requiredMetadata.get(name) ?? NO_KEYS;
  const missing = required.filter((key) => !isBrought(metadata, key)).map((key) => JSON.stringify(key));
  if (missing.length === 0) return undefined;
  const reason = `"${name}" must bring ${missing.join(" and ")} in its metadata.`;
  return { kind: "rejected", code: "EVENT_METADATA_REQUIRED", reason };
}

function isBrought(metadata: unknown, key: string): boolean {
  return isMap(metadata) && Object.hasOwn(metadata, key) && metadata[key] !== null && metadata[key] !== undefined;
}

const NO_KEYS: readonly string[] = [];
