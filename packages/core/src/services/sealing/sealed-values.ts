import { StackyardError } from "../../errors/stackyard-error.ts";
import type { Metadata, MetadataValue, Stack } from "../../machine/stack.ts";
import { parseSealedText, toSealedText } from "../../ports/queued-event.ts";
import type { Sealer } from "./sealer.ts";

/** Seals a value for its owner, such as `stack "pr-1"`: it cannot be opened for another one. */
export async function sealValue(sealer: Sealer, owner: string, value: unknown): Promise<string> {
  const bytes = await sealer.seal(Buffer.from(JSON.stringify([owner, value])));
  return toSealedText(sealer.keyId, bytes);
}

/**
 * Opens a value; returns one that is not sealed unchanged, because it was stored before there was a key.
 *
 * @throws StackyardError `SEAL_KEY_MISSING` with the owner and the id of the key; `STORE_CORRUPT` when it belongs to another owner.
 */
export async function openValue(sealer: Sealer | undefined, owner: string, value: unknown): Promise<unknown> {
  const sealed = parseSealedText(value);
  if (sealed === undefined) return value;
  const opened = await sealer?.open(sealed.bytes);
  if (opened === undefined) throw toKeyMissing(sealer, owner, sealed.keyId);
  const content: unknown = JSON.parse(Buffer.from(opened).toString());
  if (Array.isArray(content) && content[0] === owner) return content[1];
  throw new StackyardError(
    "STORE_CORRUPT",
    `A sealed value of the ${owner} belongs to something else. Restore its row.`,
  );
}

function toKeyMissing(sealer: Sealer | undefined, owner: string, keyId: string): StackyardError {
  const why =
    sealer === undefined
      ? "this process has no seal key"
      : "this process does not have it, or the value was changed in the store";
  const message = `A sensitive value of the ${owner} is sealed with the key ${keyId}, and ${why}. Add the key to STACKYARD_SEAL_KEY, or on AWS to STACKYARD_SEAL_KMS_KEY.`;
  return new StackyardError("SEAL_KEY_MISSING", message, { details: { owner, keyId } });
}

/** Converts a value with its owner, in one direction. */
export type Convert = (owner: string, value: unknown) => Promise<unknown>;

/** Returns the name of a stack as an owner of sealed values. */
export function toStackOwner(stackId: string): string {
  return `stack ${JSON.stringify(stackId)}`;
}

/** Converts the values of sensitive metadata, and those that runs and outputs refer to. */
export async function convertStack(stack: Stack, convert: Convert): Promise<Stack> {
  const { id, metadata, secretVersions = {}, keptSecrets, lead } = stack;
  const keys = Object.keys(secretVersions).filter((key) => Object.hasOwn(metadata, key));
  if (keys.length === 0 && keptSecrets === undefined) return stack;
  const owner = toStackOwner(id);
  return {
    ...stack,
    metadata: await convertValues(metadata, keys, (value) => convert(owner, value)),
    ...(keptSecrets && {
      keptSecrets: await convertValues(keptSecrets, Object.keys(keptSecrets), (value) => convert(owner, value)),
    }),
    // A hash of an event's metadata: short values could be found by trying them all.
    ...(lead && { lead: { ...lead, mark: await convertText(owner, lead.mark, convert) } }),
  };
}

/** Converts the values of references, as a claim returns them. */
export function convertSecrets(stackId: string, secrets: Metadata, convert: Convert): Promise<Metadata> {
  return convertValues(secrets, Object.keys(secrets), (value) => convert(toStackOwner(stackId), value));
}

async function convertValues(
  values: Metadata,
  keys: readonly string[],
  convert: (value: MetadataValue) => Promise<unknown>,
): Promise<Metadata> {
  const converted = await Promise.all(
    keys.map(async (key) => [key, toScalar(values[key] === null ? null : await convert(values[key] ?? null))] as const),
  );
  return { ...values, ...Object.fromEntries(converted) };
}

function toScalar(value: unknown): MetadataValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return null;
}

/** Converts a text; what cannot be converted is not changed. */
export async function convertText(owner: string, text: string, convert: Convert): Promise<string> {
  const converted = await convert(owner, text);
  return typeof converted === "string" ? converted : text;
}
