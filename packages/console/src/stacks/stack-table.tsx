import type { StackSort, StackSummary } from "@stackyard/sdk";
import { useEffect, useMemo } from "react";
import { rememberList } from "../api/last-list.ts";
import type { WindowedList } from "../api/use-page-windows.ts";
import { Table } from "../design/table.tsx";
import type { Selection } from "./selection-bar.tsx";
import { type StackRow, useStackColumns } from "./stack-columns.tsx";
import { useColumns } from "./use-columns.ts";

/** A list of stacks by pages, and which of them are selected. */
export interface StackListProps {
  readonly list: WindowedList<StackSummary>;
  readonly sort: StackSort;
  /** True if the rows are in that order as a whole, not each part of them. */
  readonly isSorted: boolean;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** Renders the stacks of the filter; a row of an unloaded page keeps its place. */
export function StackTable({ list, sort, isSorted, ...rest }: StackListProps) {
  const { rows, loaded } = useStackRows(list);
  const choices = useColumns(loaded.slice(0, 100));
  const columns = useStackColumns({
    ...rest,
    sort: isSorted ? sort : undefined,
    choices,
    loadedIds: loaded.map(({ id }) => id),
  });
  return (
    <div className={list.isOutdated ? "stacks-table outdated" : "stacks-table"}>
      <Table
        label="Stacks"
        columns={columns}
        rows={rows}
        keyOf={({ key }) => key}
        height="max(24rem, calc(100dvh - 300px))"
        onRange={list.onRange}
      />
    </div>
  );
}

/** Returns the rows of a list with keys; `[` and `]` on the page of a stack go through those that are loaded. */
export function useStackRows({ rows: listed }: Pick<WindowedList<StackSummary>, "rows">) {
  const rows = useMemo(() => toRows(listed ?? []), [listed]);
  const loaded = useMemo(() => rows.flatMap(({ stack }) => (stack === undefined ? [] : [stack])), [rows]);
  useEffect(() => rememberList(loaded.map(({ id }) => id)));
  return { rows, loaded };
}

/** Returns rows with keys; a stack that moved between two pages is shown once. */
function toRows(stacks: readonly (StackSummary | undefined)[]): readonly StackRow[] {
  const seen = new Set<string>();
  return stacks.flatMap((stack, index): StackRow[] => {
    if (stack === undefined) return [{ key: `row ${index}`, stack }];
    if (seen.has(stack.id)) return [];
    seen.add(stack.id);
    return [{ key: stack.id, stack }];
  });
}
