import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { toJsonText } from "./to-json-text.ts";

/** The attribute in which a sender of ours says what the predecessor's bodies have no place for. */
export const NOTE_ATTRIBUTE = "stackyard";

/** What that attribute holds. One attribute, because a topic with raw delivery drops messages with more than ten. */
const SenderNote = Type.Object({
  /** The event's id. */
  id: Type.String({ minLength: 1, maxLength: 16_384 }),
  /** When it was accepted, epoch milliseconds. */
  at: Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 }),
  origin: Type.Optional(Type.Literal("worker")),
  /** That a worker has sent it: see `toResultProof`. */
  proof: Type.Optional(Type.String({ maxLength: 64 })),
  actor: Type.Optional(Type.String({ maxLength: 255 })),
  /** Keys that were added to the body for receivers that read nothing else. */
  added: Type.Optional(Type.Array(Type.Union([Type.Literal("id"), Type.Literal("stackId")]), { maxItems: 2 })),
});
export type SenderNote = Static<typeof SenderNote>;

const validator = Compile(SenderNote);

/** The note as text. */
export function toNoteText(note: SenderNote): string {
  return toJsonText(note);
}

/** The note in the attributes of a message; undefined where there is none, or something else. */
export function findNote(attributes: Readonly<Record<string, string>>): SenderNote | undefined {
  const text = Object.hasOwn(attributes, NOTE_ATTRIBUTE) ? attributes[NOTE_ATTRIBUTE] : undefined;
  if (text === undefined) return undefined;
  try {
    const note: unknown = JSON.parse(text);
    return validator.Check(note) ? note : undefined;
  } catch {
    return undefined;
  }
}
