import { isMap } from "./json.ts";
import type { Metadata, MetadataValue, Stack } from "./stack.ts";

/** The replacement of a sensitive value wherever people or queues may see it: `{"$secret": "password#3"}`. */
export interface SecretReference {
  readonly $secret: string;
}

/**
 * Keys of the maps that replace sensitive values in configs: `{"$secret": ref}`, and `{"$concat": [...]}` for text
 * around them. Documents and expressions may not create them: their values would bypass the checks.
 */
export const REFERENCE_KEYS: readonly string[] = ["$secret", "$concat"];

/** Returns true for a map that replaces a sensitive value, or could be mistaken for one, whatever else it contains. */
export function isReference(value: unknown): boolean {
  return isMap(value) && REFERENCE_KEYS.some((key) => key in value);
}

/** Returns metadata for display: sensitive values are references. */
export type ShownMetadata = Readonly<Record<string, MetadataValue | SecretReference>>;

/**
 * Returns the reference of a sensitive metadata key's present value; undefined when the key is not sensitive or is
 * null.
 */
export function findSecretRef({ secretVersions, metadata }: SecretHolder, key: string): string | undefined {
  if (secretVersions === undefined || !Object.hasOwn(secretVersions, key) || metadata[key] === null) return undefined;
  return `${key}#${secretVersions[key]}`;
}

/** Returns a stack's metadata with references instead of sensitive values. */
export function toShownMetadata(stack: SecretHolder): ShownMetadata {
  if (stack.secretVersions === undefined) return stack.metadata;
  const shown = Object.entries(stack.metadata).map(([key, value]) => {
    const ref = findSecretRef(stack, key);
    return [key, ref === undefined ? value : { $secret: ref }] as const;
  });
  return Object.fromEntries(shown);
}

/**
 * Returns the values of references, for the worker that was granted an attempt. A reference whose value was deleted
 * (the stack was removed) is left out.
 */
export function readSecrets(stack: SecretHolder, refs: readonly string[]): Metadata {
  const values: Record<string, MetadataValue> = {};
  for (const ref of refs) {
    const key = ref.slice(0, ref.lastIndexOf("#"));
    if (findSecretRef(stack, key) === ref) values[ref] = stack.metadata[key] ?? null;
    else if (stack.keptSecrets && Object.hasOwn(stack.keptSecrets, ref)) values[ref] = stack.keptSecrets[ref] ?? null;
  }
  return values;
}

/** Returns a value for display: sensitive values are replaced by `***`. */
export function maskSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (isReference(value)) return MASK;
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskSecrets(inner)]));
}

/** Masks shown metadata as `maskSecrets` does. */
export function maskMetadata(shown: ShownMetadata): Metadata {
  const masked = Object.entries(shown).map(([key, value]) => {
    return [key, typeof value === "object" && value !== null ? MASK : value] as const;
  });
  return Object.fromEntries(masked);
}

/** The text that is printed instead of a sensitive value. */
export const MASK = "***";

/** Returns all references in a value, each once, in order. */
export function listSecretRefs(value: unknown): readonly string[] {
  const refs: string[] = [];
  collect(value, refs);
  return refs.length < 2 ? refs : [...new Set(refs)];
}

/** The part of a stack that contains secrets. */
export type SecretHolder = Pick<Stack, "metadata" | "secretVersions" | "keptSecrets">;

/**
 * Returns a stack with other sensitive values: what is decided about it, and what is masked, says nothing about the true
 * ones. `next` returns texts that cannot be guessed.
 */
export function withOtherSecrets(stack: Stack, next: () => string): Stack {
  const { metadata, secretVersions, keptSecrets } = stack;
  if (secretVersions === undefined && keptSecrets === undefined) return stack;
  const replace = (values: Metadata, keys: readonly string[]): Metadata => {
    const set = keys.filter((key) => Object.hasOwn(values, key) && values[key] !== null);
    return { ...values, ...Object.fromEntries(set.map((key) => [key, next()])) };
  };
  return {
    ...stack,
    metadata: replace(metadata, Object.keys(secretVersions ?? {})),
    ...(keptSecrets && { keptSecrets: replace(keptSecrets, Object.keys(keptSecrets)) }),
  };
}

function collect(value: unknown, refs: string[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, refs);
  else if (isMap(value)) {
    const ref = value["$secret"];
    if (typeof ref === "string") refs.push(ref);
    else for (const inner of Object.values(value)) collect(inner, refs);
  }
}
