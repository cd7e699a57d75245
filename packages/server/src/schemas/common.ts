import { type TSchema, Type } from "typebox";

/** An instant: ISO 8601 in UTC. */
export const Instant = Type.String({ format: "date-time" });

/** An id as it comes in a path or a query. */
export const StackId = Type.String({ minLength: 1, maxLength: 255 });

/** The ids of events may be of any sender. */
export const EventId = Type.String({ minLength: 1, maxLength: 255 });

/** Five encoded parts joined by slashes; see the reference of attempts. */
export const AttemptId = Type.String({ minLength: 1, maxLength: 8_192 });

/** Parameters of every list. */
export const pageQuery = {
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, description: "As the page before gave it." })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: "Default 100. A page of large items ends earlier, at about 1 MiB, with a cursor.",
    }),
  ),
};

/** A row of the store that a list cannot show. */
export const UnreadableRow = Type.Object({
  id: Type.String({ description: "Of the item; of a line of the history: its position." }),
  reason: Type.String(),
});

/** A page of such items; without a cursor it is the last. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item, { description: "Up to the limit, and about 1 MiB of them." }),
    cursor: Type.Optional(Type.String({ description: "Missing: this is the last page." })),
    unreadable: Type.Optional(
      Type.Array(UnreadableRow, { description: "Rows in this part of the list that the store cannot read." }),
    ),
  });
}

/** Epoch milliseconds as the API shows them. */
export function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}
