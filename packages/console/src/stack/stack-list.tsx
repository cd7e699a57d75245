import type { StackSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useRememberedList } from "../api/last-list.ts";
import { useLoad } from "../api/use-load.ts";
import { SideTable } from "../design/list-detail.tsx";
import { Loaded } from "../design/page.tsx";
import { STACK_COLUMN } from "../design/stack-link.tsx";
import type { Column } from "../design/table.tsx";
import { Text } from "../design/text.tsx";
import { choosePart } from "./list-part.ts";

/** Renders the part around a stack of the list from which it was opened. */
export function StackList({ stackId }: { stackId: string }) {
  const part = choosePart(useRememberedList(), stackId);
  const query = useLoad(
    keys.list("list-detail", { part }),
    ({ signal }) => yard.stacks.list({ ids: part }, { limit: part.length, signal }),
    { placeholderData: (before) => before },
  );
  return (
    <Loaded query={query} height={400}>
      {({ items }) => (
        <SideTable
          label="Stacks"
          columns={COLUMNS}
          rows={part.flatMap((id) => items.find((stack) => stack.id === id) ?? [])}
          keyOf={({ id }) => id}
          selected={stackId}
        />
      )}
    </Loaded>
  );
}

const COLUMNS: readonly Column<StackSummary>[] = [
  STACK_COLUMN,
  { header: "State", narrow: true, cell: ({ state }) => <Text>{state}</Text> },
];
