import { shortHashOf } from "./short-hash.ts";

/** The parts that identify one attempt in the whole yard. */
export interface AttemptParts {
  readonly stackId: string;
  /** The id of the event that created the stack; `0` for rows taken over. */
  readonly incarnation: string;
  readonly entry: number;
  readonly task: string;
  /** From 1, counted through the entry. */
  readonly attempt: number;
}

/** Returns the id of an attempt: its five parts, each encoded as in a URL, joined by slashes. */
export function attemptIdOf(parts: AttemptParts): string {
  return listParts(parts).map(encode).join("/");
}

/** Returns the parts of an attempt id; undefined when the text is not one. */
export function parseAttemptId(id: string): AttemptParts | undefined {
  const encoded = id.split("/");
  if (encoded.length !== 5) return undefined;
  const [stackId, incarnation, entryText, task, attemptText] = encoded.map(decode);
  const entry = parseCount(entryText);
  const attempt = parseCount(attemptText);
  if (!stackId || !incarnation || !task || entry === undefined || attempt === undefined) return undefined;
  return { stackId, incarnation, entry, task, attempt };
}

/**
 * Returns 32 lower-case hex digits that are the same for all redeliveries of an attempt; fits every service's token
 * field.
 */
export function idempotencyKeyOf(parts: AttemptParts): string {
  return shortHashOf(toIdempotencyText(parts));
}

/** Returns the text whose hash is the idempotency key. */
export function toIdempotencyText(parts: AttemptParts): string {
  return listParts(parts).join("\u0000");
}

function listParts(parts: AttemptParts): readonly string[] {
  return [parts.stackId, parts.incarnation, String(parts.entry), parts.task, String(parts.attempt)];
}

// An unpaired surrogate, which a task's name may contain, would make the encoder throw.
function encode(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}

function decode(part: string): string | undefined {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : undefined;
}
