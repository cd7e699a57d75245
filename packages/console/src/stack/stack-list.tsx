import type { StackSummary } from "@stackyard/sdk";
import { useEffect } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { rememberList, useListPlace, useRememberedList } from "../api/last-list.ts";
import { useLoad } from "../api/use-load.ts";
import { SideTable } from "../design/beside.tsx";
import { Loaded } from "../design/page.tsx";
import { STACK_COLUMN } from "../design/stack-link.tsx";
import type { Column } from "../design/table.tsx";
import { Text } from "../design/text.tsx";
import { choosePart } from "./list-part.ts";

/** Renders the list from which a stack was opened, around that stack; without one, the stacks that changed last. */
export function StackList({ stackId }: { stackId: string }) {
  const remembered = useRememberedList();
  const isOpened = useListPlace(stackId) !== undefined;
  const part = isOpened ? choosePart(remembered, stackId) : undefined;
  const query = useLoad(
    keys.list("beside", { part }),
    ({ signal }) =>
      part === undefined
        ? yard.stacks.list({ condition: "any" }, { sort: "-updatedAt", limit: 100, signal })
        : yard.stacks.list({ ids: part }, { limit: part.length, signal }),
    { placeholderData: (before) => before },
  );
  const items = query.data?.items ?? [];
  const shown = part === undefined ? items : part.flatMap((id) => items.find((stack) => stack.id === id) ?? []);
  const ids = shown.map(({ id }) => id);
  useEffect(() => {
    if (part === undefined && ids.includes(stackId)) rememberList(ids);
  });
  return (
    <Loaded query={query} height={400}>
      {() => <SideTable label="Stacks" columns={COLUMNS} rows={shown} keyOf={({ id }) => id} selected={stackId} />}
    </Loaded>
  );
}

const COLUMNS: readonly Column<StackSummary>[] = [
  STACK_COLUMN,
  { header: "State", narrow: true, cell: ({ state }) => <Text>{state}</Text> },
];
