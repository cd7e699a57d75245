import { StackyardError } from "../errors/stackyard-error.ts";
import { isMap } from "../machine/json.ts";
import type { Metadata, MetadataValue, Stack } from "../machine/stack.ts";
import { parseSealedText, SEALED_KEY, toSealedText } from "../ports/queued-event.ts";
import type { DeadLetter, ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
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

function toEventOwner({ stackId, id }: Pick<QueuedEvent, "stackId" | "id">): string {
  return `event ${JSON.stringify(id)} of the ${toStackOwner(stackId)}`;
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

async function convertText(owner: string, text: string, convert: Convert): Promise<string> {
  const converted = await convert(owner, text);
  return typeof converted === "string" ? converted : text;
}

/** Members of a message that identify it and its kind. All others may contain a sensitive value. */
const OPEN: ReadonlySet<string> = new Set([
  ...["id", "stackId", "event", "action", "machine", "dispatchId", "actor", "code", "retryable", "revision"],
  ...["as", "force", "to", "confirm", "sensitiveOutputs"],
]);

type Message = QueuedEvent["message"];

/** Seals what a message contains besides the members that identify it. */
export async function sealMessage(sealer: Sealer, owner: string, message: Message): Promise<Message> {
  const members = Object.entries(message);
  const hidden = members.filter(([key]) => !OPEN.has(key));
  // One that this process could not open stays as it is.
  const isSealed = parseSealedText(message[SEALED_KEY]) !== undefined;
  if (hidden.length === 0 || isSealed) return message;
  const open = Object.fromEntries(members.filter(([key]) => OPEN.has(key)));
  return { ...open, [SEALED_KEY]: await sealValue(sealer, owner, Object.fromEntries(hidden)) };
}

/** Opens a message. */
export async function openMessage(open: Convert, owner: string, message: Message): Promise<Message> {
  const { [SEALED_KEY]: sealed, ...rest } = message;
  if (parseSealedText(sealed) === undefined) return message;
  const hidden = await open(owner, sealed);
  return isMap(hidden) ? { ...rest, ...hidden } : message;
}

/** Seals the message of an event. */
export async function sealEvent(sealer: Sealer, event: QueuedEvent): Promise<QueuedEvent> {
  const message = await sealMessage(sealer, toEventOwner(event), event.message);
  return message === event.message ? event : { ...event, message };
}

/** Opens the message of an event. */
export async function openEvent(open: Convert, event: QueuedEvent): Promise<QueuedEvent> {
  const message = await openMessage(open, toEventOwner(event), event.message);
  return message === event.message ? event : { ...event, message };
}

/** Seals a parked event, and the hash of its metadata. */
export async function sealParked(sealer: Sealer, parked: ParkedEvent): Promise<ParkedEvent> {
  const event = await sealEvent(sealer, parked.event);
  if (event === parked.event || parked.mark === undefined) return { ...parked, event };
  return { ...parked, event, mark: await sealValue(sealer, toEventOwner(event), parked.mark) };
}

/** Opens a parked event. */
export async function openParked(open: Convert, parked: ParkedEvent): Promise<ParkedEvent> {
  const event = await openEvent(open, parked.event);
  if (parseSealedText(parked.mark) !== undefined)
    return { ...parked, event, mark: await convertText(toEventOwner(event), parked.mark ?? "", open) };
  return event === parked.event ? parked : { ...parked, event };
}

/** Seals the event of a dead letter. */
export async function sealDeadLetter(sealer: Sealer, letter: DeadLetter): Promise<DeadLetter> {
  return { ...letter, event: await sealEvent(sealer, letter.event) };
}
