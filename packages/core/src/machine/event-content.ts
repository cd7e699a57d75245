import { type StackEvent, toEventName } from "./event-message.ts";
import { isMap } from "./json.ts";
import { isReference, MASK } from "./secrets.ts";
import { shortHashOf } from "./short-hash.ts";

/** Returns a text that is the same for events of one name and metadata. */
export function markOf({ name, metadata, confirm }: Pick<StackEvent, "name" | "metadata" | "confirm">): string {
  return shortHashOf(JSON.stringify([name, toValues(metadata), confirm ?? ""]));
}

/** What a line of the history says of the content of its event. */
interface KnownContent {
  readonly stackId: string;
  readonly event: string;
  readonly metadata?: unknown;
  readonly confirmed?: true;
  /** `markOf` of the event, where the metadata of the line does not show all of its values. */
  readonly mark?: string;
}

/** The content of a message: two messages with one id are the same event only if it is the same. */
export interface EventContent {
  /** The name. */
  readonly event: string;
  readonly metadata?: unknown;
  readonly confirm?: string | undefined;
}

/** Returns the content of a message as it was sent. */
export function toContent(message: Readonly<Record<string, unknown>>): EventContent {
  const { metadata, confirm } = message;
  return { event: toEventName(message) ?? "", metadata, confirm: typeof confirm === "string" ? confirm : undefined };
}

/**
 * Returns whether a message repeats the event of a line of the history; false: its id was used for an event with another name, other
 * metadata or another confirmation. A value that the reader of the line may not see is compared only by the line's mark.
 */
export function isSameContent(line: KnownContent, { event, metadata, confirm }: EventContent): boolean {
  if (line.mark !== undefined) return line.mark === markOf({ name: event, metadata, ...(confirm && { confirm }) });
  const shown = new Map(toValues(line.metadata));
  const values = toValues(metadata);
  const isEqual = ([key, value]: readonly [string, unknown]) =>
    shown.has(key) && (isHidden(shown.get(key)) || JSON.stringify(shown.get(key)) === JSON.stringify(value));
  return (
    line.event === event &&
    (confirm === line.stackId) === (line.confirmed === true) &&
    shown.size === values.length &&
    values.every(isEqual)
  );
}

function isHidden(value: unknown): boolean {
  return value === MASK || isReference(value);
}

function toValues(metadata: unknown): readonly (readonly [string, unknown])[] {
  return isMap(metadata) ? Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
}
