import { RESULT_EVENTS } from "../machine/decide/parked-code.ts";
import { isSecretKey } from "../machine/decide/stack-secrets.ts";
import type { Machine } from "../machine/machine.ts";
import type { StackEvent } from "../machine/message/event.ts";
import { isMap } from "../machine/message/unwrap-body.ts";
import { MASK } from "../machine/secrets.ts";
import type { Stack } from "../machine/stack.ts";

/** Keys of an event's metadata that must not be shown; `all` where no machine says which. */
export type MaskedKeys = readonly string[] | "all";

/**
 * Which keys of an event's metadata must not be shown: those that its machine declares sensitive, or that the stack
 * holds as such. Where no machine was found, any of them may be. Undefined: all can be shown.
 */
export function findMaskedKeys(
  { metadata, outputs }: Pick<StackEvent, "metadata" | "outputs">,
  { machine, stack }: { readonly machine: Machine | undefined; readonly stack: Stack | undefined },
): MaskedKeys | undefined {
  if (machine === undefined) return metadata === undefined && outputs === undefined ? undefined : "all";
  if (metadata === undefined || metadata === null) return undefined;
  const isSensitive = findSecretKeys(machine, stack);
  if (isSensitive === undefined) return undefined;
  // What is no flat map was refused, and nobody can tell where in it a secret stands.
  if (!isMap(metadata)) return "all";
  const masked = Object.entries(metadata).flatMap(([key, value]) => {
    return isSensitive(key) || (typeof value === "object" && value !== null) ? [key] : [];
  });
  return masked.length === 0 ? undefined : masked;
}

/**
 * As `findMaskedKeys`, of an event that was refused. Of a result nothing is shown where anything is sensitive: which of
 * its outputs become sensitive metadata was not worked out, and what it says may quote them.
 */
export function findRefusedKeys(
  event: StackEvent,
  places: { readonly machine: Machine | undefined; readonly stack: Stack | undefined },
): MaskedKeys | undefined {
  return RESULT_EVENTS.has(event.name) && mayHide(event, places) ? "all" : findMaskedKeys(event, places);
}

function mayHide(
  { sensitiveOutputs = [] }: StackEvent,
  { machine, stack }: { readonly machine: Machine | undefined; readonly stack: Stack | undefined },
): boolean {
  if (machine === undefined || sensitiveOutputs.length > 0 || stack?.keptSecrets !== undefined) return true;
  return findSecretKeys(machine, stack) !== undefined;
}

/** Undefined where no key is sensitive. */
function findSecretKeys(machine: Machine, stack: Stack | undefined): ((key: string) => boolean) | undefined {
  const versions = stack?.secretVersions ?? {};
  const isDeclared = [...machine.metadata.keys.values()].some(({ sensitive }) => sensitive);
  if (!isDeclared && Object.keys(versions).length === 0) return undefined;
  return (key) => isSecretKey(machine, stack === undefined ? [] : [stack], key);
}

/** Metadata for people's eyes. `show` may put something else than `***` in the place of a value. */
export function toPrintedMetadata(
  metadata: unknown,
  masked: MaskedKeys | undefined,
  show: (key: string) => unknown = () => MASK,
): unknown {
  if (masked === undefined || metadata === undefined || metadata === null) return metadata;
  if (!isMap(metadata)) return MASK;
  const printed = Object.entries(metadata).map(([key, value]) => {
    const isMasked = value !== null && (masked === "all" || masked.includes(key));
    return [key, isMasked ? show(key) : value] as const;
  });
  return Object.fromEntries(printed);
}

/** Keys of a message that say what it is; those of one that nobody could read may hold anything else besides. */
const PLAIN_KEYS: ReadonlySet<string> = new Set([
  ...["id", "stackId", "event", "action", "machine", "dispatchId", "code", "retryable"],
  ...["actor", "reason", "as", "force", "to", "confirm", "sensitiveOutputs"],
]);

/** An event's message for people's eyes: as received, without sensitive metadata and outputs. */
export function toPrintedMessage(
  message: Readonly<Record<string, unknown>>,
  masked: MaskedKeys | undefined,
): Readonly<Record<string, unknown>> {
  const { sensitiveOutputs } = message;
  const hidden = Array.isArray(sensitiveOutputs) ? sensitiveOutputs.filter((name) => typeof name === "string") : [];
  const printed = Object.entries(message).map(([key, value]) => {
    if (key === "metadata") return [key, toPrintedMetadata(value, masked)] as const;
    if (key === "outputs") return [key, toPrintedMetadata(value, masked === "all" ? masked : hidden)] as const;
    const isOpen = masked !== "all" || PLAIN_KEYS.has(key) || key === "task";
    return [key, isOpen ? value : maskWhole(value)] as const;
  });
  return Object.fromEntries(printed);
}

/** Keeps the shape, so that people see what is wrong with it. */
function maskWhole(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskWhole);
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskWhole(inner)]));
  return value === null || typeof value === "boolean" ? value : MASK;
}
