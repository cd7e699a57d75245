import type { Machine, MetadataRule } from "../../machine/machine.ts";

/**
 * The machine for a replay: in the place of sensitive values the history has references, which fit no type, pattern or
 * range, and a value that was given again has another one. These keys accept any value, and stay sensitive.
 */
export function relaxSecrets(machine: Machine, secretKeys: readonly string[]): Machine {
  const { keys } = machine.metadata;
  const relaxed = new Map<string, MetadataRule>();
  for (const [key, rule] of keys) relaxed.set(key, isSecret(key, rule, secretKeys) ? relax(rule) : rule);
  return { ...machine, metadata: { ...machine.metadata, keys: relaxed } };
}

function isSecret(key: string, { sensitive }: MetadataRule, secretKeys: readonly string[]): boolean {
  return sensitive || secretKeys.includes(key);
}

function relax({ type, pattern, enum: _, minimum, maximum, immutable, ...rule }: MetadataRule): MetadataRule {
  return { ...rule, immutable: false };
}
