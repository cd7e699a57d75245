import { type TSchema, Type } from "typebox";

/** A row of the store that a list cannot show. */
const UnreadableRow = Type.Object({
  id: Type.String({ description: "Of the item; of a line of the history: its position." }),
  reason: Type.String(),
});

/** Returns the schema of a page of items; without a cursor it is the last page. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item, { description: "Up to the limit, and about 1 MiB of them." }),
    cursor: Type.Optional(Type.String({ description: "Missing: this is the last page." })),
    unreadable: Type.Optional(
      Type.Array(UnreadableRow, { description: "Rows in this part of the list that the store cannot read." }),
    ),
  });
}
