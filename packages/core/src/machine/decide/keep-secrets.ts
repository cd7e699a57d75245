import type { Machine } from "../machine.ts";
import { findSecretRef, listSecretRefs } from "../secrets.ts";
import type { Metadata, MetadataValue, Stack } from "../stack.ts";
import type { MetadataChange } from "./bring-metadata.ts";
import { isSensitive } from "./metadata-rules.ts";

/**
 * The stack with its metadata changed. A sensitive key gets a new version with each value, and the value from before is
 * kept until `pruneSecrets` finds that nothing refers to it.
 */
export function withMetadata(machine: Machine, stack: Stack, { metadata, keys }: MetadataChange): Stack {
  const changed = metadata === stack.metadata ? stack : { ...stack, metadata };
  if (keys.length === 0) return changed;
  const secret = keys.filter((key) => isSensitive(machine.metadata, key) || isVersioned(stack, key));
  if (secret.length === 0) return changed;
  const kept = secret.flatMap((key) => {
    const ref = findSecretRef(stack, key);
    return ref === undefined ? [] : [[ref, stack.metadata[key] ?? null] as const];
  });
  const versions = secret
    .filter((key) => (metadata[key] ?? null) !== null)
    .map((key) => [key, versionOf(stack, key) + 1] as const);
  return withKept(
    versions.length === 0
      ? changed
      : { ...changed, secretVersions: { ...stack.secretVersions, ...Object.fromEntries(versions) } },
    Object.fromEntries(kept),
  );
}

/** The stack with a version for each value whose key has become sensitive with a new revision of the machine. */
export function adoptSecrets(machine: Machine, stack: Stack): Stack {
  if (machine.metadata.keys.size === 0) return stack;
  const fresh = [...machine.metadata.keys]
    .filter(
      ([key, rule]) =>
        rule.sensitive && !isVersioned(stack, key) && (presentValue(stack.metadata, key) ?? null) !== null,
    )
    .map(([key]) => [key, 1] as const);
  if (fresh.length === 0) return stack;
  return { ...stack, secretVersions: { ...stack.secretVersions, ...Object.fromEntries(fresh) } };
}

/** A reference for a sensitive output of a task, and the stack that keeps its value. */
export function keepOutput(
  stack: Stack,
  { task, output, value }: { readonly task: string; readonly output: string; readonly value: MetadataValue },
): { readonly stack: Stack; readonly ref: string } {
  const prefix = `tasks.${task}.outputs.${output}#`;
  const taken = Object.keys(stack.keptSecrets ?? {})
    .filter((ref) => ref.startsWith(prefix))
    .map((ref) => Number(ref.slice(prefix.length)));
  // The entry begins the count, so that a number of an entry that was left does not come back.
  const ref = `${prefix}${Math.max(stack.entry, ...taken.map((number) => number + 1))}`;
  return { stack: withKept(stack, { [ref]: value }), ref };
}

/** The stack without kept values that neither an open run nor an output refers to. */
export function pruneSecrets(stack: Stack): Stack {
  const { keptSecrets, ...rest } = stack;
  if (keptSecrets === undefined) return stack;
  const needed = new Set([
    ...stack.runs.flatMap(({ secrets = [] }) => secrets),
    ...listSecretRefs(stack.outputs ?? {}),
  ]);
  const entries = Object.entries(keptSecrets).filter(([ref]) => needed.has(ref));
  return entries.length === 0 ? rest : { ...rest, keptSecrets: Object.fromEntries(entries) };
}

function withKept(stack: Stack, kept: Metadata): Stack {
  if (Object.keys(kept).length === 0) return stack;
  return { ...stack, keptSecrets: { ...stack.keptSecrets, ...kept } };
}

function isVersioned({ secretVersions }: Stack, key: string): boolean {
  return secretVersions !== undefined && Object.hasOwn(secretVersions, key);
}

function versionOf(stack: Stack, key: string): number {
  return isVersioned(stack, key) ? (stack.secretVersions?.[key] ?? 0) : 0;
}

function presentValue(metadata: Metadata, key: string): MetadataValue | undefined {
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}
