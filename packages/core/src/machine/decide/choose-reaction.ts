import type { Machine, Reaction } from "../machine.ts";
import type { Metadata, MetadataValue } from "../stack.ts";
import type { MetadataChange } from "./bring-metadata.ts";
import type { Rejected } from "./decision.ts";
import { isScalar, mergeMetadata } from "./merge-metadata.ts";
import { findMetadataFault } from "./metadata-rules.ts";
import { NO_SECRETS, type ScopeInput, toScope } from "./to-scope.ts";

/** An event that a state may react to: one from outside, or `NEXT`, `FAILED` and `TIMEOUT`. */
export interface Occurrence extends ScopeInput {
  readonly name: string;
  /** What the event itself has brought. */
  readonly brought: Metadata;
}

/** What a state does on an event, with the metadata that it sets. */
export type Choice = { readonly kind: "chosen"; readonly reaction: Reaction } | Rejected;

/** The first entry whose condition holds; an error in a condition ends the search. */
export function chooseReaction(occurrence: Occurrence): Choice {
  const { machine, stack, name } = occurrence;
  const reactions = machine.states.get(stack.state)?.on.get(name);
  if (reactions === undefined) return reject("EVENT_NOT_HANDLED", `"${stack.state}" has no "${name}".`);
  for (const reaction of reactions) {
    const held = holds(occurrence, reaction);
    if (held === true) return { kind: "chosen", reaction };
    if (held !== false) return held;
  }
  return reject("EVENT_NOT_HANDLED", `No condition that "${stack.state}" has for "${name}" holds.`);
}

/** The metadata that a reaction sets. All its expressions see the metadata as the event has left it. */
export function resolveSets(
  occurrence: Occurrence,
  reaction: Reaction,
): ({ readonly kind: "set" } & MetadataChange) | Rejected {
  const present = occurrence.stack.metadata;
  if (reaction.set.size === 0) return { kind: "set", metadata: present, keys: [] };
  const values = resolveValues(occurrence, reaction);
  if (values.kind === "rejected") return values;
  const merged = mergeMetadata(present, values.values);
  if (merged.kind === "rejected") return merged;
  const keys = [...reaction.set.keys()];
  const fault = findMetadataFault(occurrence.machine.metadata, { next: merged.metadata, keys, present });
  if (fault !== undefined) return reject(fault.code, fault.reason);
  return { kind: "set", metadata: merged.metadata, keys };
}

/** True when this reaction ends the stack's life: who sends such an event to a protected state must mean it. */
export function leadsToEnd(machine: Machine, { advance }: Reaction): boolean {
  const target = advance.at(-1);
  return target !== undefined && machine.states.get(target)?.terminal === true;
}

/** Why an event from outside may not take this reaction; undefined: it may. */
export function findConfirmFault(
  { machine, stack, name }: Occurrence,
  reaction: Reaction,
  confirm: string | undefined,
): Rejected | undefined {
  const isProtected = machine.states.get(stack.state)?.protected === true;
  if (!isProtected || confirm === stack.id || !leadsToEnd(machine, reaction)) return undefined;
  const reason = `"${stack.state}" is protected, and "${name}" ends the stack: send it with "confirm": "${stack.id}".`;
  return reject("CONFIRMATION_REQUIRED", reason);
}

function holds({ name, brought, ...input }: Occurrence, { when }: Reaction): boolean | Rejected {
  if (when === undefined) return true;
  const result = when.evaluate(toScope(input, { event: { name, metadata: brought }, tasks: true }));
  if (result.kind === "value" && typeof result.value === "boolean") return result.value;
  const why = result.kind === "error" ? result.reason : "it gives neither true nor false";
  return reject("EXPRESSION_FAILED", `The condition ${JSON.stringify(when.source)} of "${name}" failed: ${why}`);
}

type Values = { readonly kind: "values"; readonly values: Metadata } | Rejected;

function resolveValues({ name, brought, ...input }: Occurrence, { set }: Reaction): Values {
  const scope = toScope(input, { event: { name, metadata: brought }, tasks: true, sensitive: true });
  const values: [string, MetadataValue][] = [];
  for (const [key, template] of set) {
    const result = template.resolve(scope, NO_SECRETS);
    if (result.kind === "value" && isScalar(result.value)) {
      values.push([key, result.value]);
      continue;
    }
    const why = result.kind === "error" ? result.reason : "metadata is text, a number, true, false or null";
    return reject("EXPRESSION_FAILED", `What "${name}" sets in ${JSON.stringify(key)} failed: ${why}`);
  }
  return { kind: "values", values: Object.fromEntries(values) };
}

function reject(code: Rejected["code"], reason: string): Rejected {
  return { kind: "rejected", code, reason };
}
