import type { StackSort, StackSummary } from "@stackyard/sdk";
import { type ReactNode, useEffect, useMemo } from "react";
import { rememberList } from "../api/last-list.ts";
import { toStackStatus } from "../api/status.ts";
import type { WindowedList } from "../api/use-page-windows.ts";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Sentence } from "../design/sentence.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Ago, MaybeLink, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Selection } from "./selection-bar.tsx";
import { chooseColumns } from "./stack-filter.ts";

interface Row {
  readonly key: string;
  readonly stack: StackSummary | undefined;
}

interface StackTableProps {
  readonly list: WindowedList<StackSummary>;
  readonly sort: StackSort;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** Renders the stacks of the filter; a row of an unloaded page keeps its place. */
export function StackTable({ list, sort, selection, onSelect }: StackTableProps) {
  const { columns: chosen } = useSearch();
  const rows = useMemo(() => toRows(list.rows ?? []), [list.rows]);
  const loaded = rows.flatMap(({ stack }) => (stack === undefined ? [] : [stack]));
  useEffect(() => rememberList(loaded.map(({ id }) => id)));
  const metadata = chooseColumns(chosen, loaded.slice(0, 100));
  const since = useSort("enteredAt", sort);
  const columns: readonly Column<Row>[] = [
    {
      id: "select",
      header: <SelectAll ids={loaded.map(({ id }) => id)} selection={selection} onSelect={onSelect} />,
      cell: cellOf(({ id }) => <SelectOne id={id} selection={selection} onSelect={onSelect} />),
    },
    {
      header: "Stack",
      sort: useSort("id", sort),
      cell: cellOf((stack) => (
        <span className="stacks-id">
          <StackLink id={stack.id} />
        </span>
      )),
    },
    { header: "Condition", cell: cellOf((stack) => <Mark status={toStackStatus(stack)} />) },
    { header: "Machine", cell: cellOf(({ machine }) => <Text>{machine}</Text>) },
    {
      header: "State",
      cell: cellOf(({ state }) => (
        <span className="state-name">
          <Text>{state}</Text>
        </span>
      )),
    },
    // The longest in its state has the smallest instant.
    { header: "Since", sort: since, cell: cellOf(({ enteredAt }) => <Ago at={enteredAt} plain />) },
    { header: "Last failure", cell: cellOf((stack) => <LastFailure stack={stack} />) },
    { header: "Waits", cell: cellOf((stack) => <WaitSentence stack={stack} />) },
    ...metadata.map((key) => ({
      id: `metadata ${key}`,
      header: <Text>{key}</Text>,
      cell: cellOf((stack) => <MetadataCell value={stack.metadata[key]} />),
    })),
  ];
  return (
    <div className={list.isOutdated ? "stacks-table outdated" : "stacks-table"}>
      <Table
        label="Stacks"
        columns={columns}
        rows={rows}
        keyOf={({ key }) => key}
        height="max(24rem, calc(100dvh - 330px))"
        onRange={list.onRange}
      />
    </div>
  );
}

function cellOf(toCell: (stack: StackSummary) => ReactNode) {
  return ({ stack }: Row) => (stack === undefined ? <span className="muted">…</span> : toCell(stack));
}

/** Returns rows with keys; a stack that moved between two pages is shown once. */
function toRows(stacks: readonly (StackSummary | undefined)[]): readonly Row[] {
  const seen = new Set<string>();
  return stacks.flatMap((stack, index): Row[] => {
    if (stack === undefined) return [{ key: `row ${index}`, stack }];
    if (seen.has(stack.id)) return [];
    seen.add(stack.id);
    return [{ key: stack.id, stack }];
  });
}

function useSort(by: "id" | "enteredAt", sort: StackSort) {
  const changeSearch = useChangeSearch();
  const direction = sort === by ? "ascending" : sort === `-${by}` ? "descending" : undefined;
  return {
    direction,
    onSort: () => changeSearch({ sort: direction === "ascending" ? `-${by}` : by }),
  } as const;
}

function WaitSentence({ stack: { waiting, tasks } }: { stack: StackSummary }) {
  const error = tasks.find(({ status }) => status === "ERROR");
  if (error !== undefined) {
    return (
      <span title={toSafeText(waiting?.summary ?? "")}>
        <strong>
          <Text>{error.name}</Text>
        </strong>{" "}
        <Text mono>{error.errorCode ?? ""}</Text> <Text>{error.errorMessage ?? ""}</Text>
      </span>
    );
  }
  return waiting === undefined ? null : (
    <span title={toSafeText(dropColors(waiting.summary))}>
      <Sentence text={waiting.summary} />
    </span>
  );
}

/** Renders the last task that failed for good, also after the stack has moved on or recovered: then it is quiet. */
function LastFailure({ stack: { lastFailure } }: { stack: StackSummary }) {
  if (lastFailure === undefined) return null;
  const { task, code = "", at, resolvedAt, acknowledgedAt } = lastFailure;
  const isOver = resolvedAt !== undefined || acknowledgedAt !== undefined;
  return (
    <span className={isOver ? "muted" : undefined}>
      <strong className={isOver ? undefined : "tone-fail"}>
        <Text>{task}</Text>
      </strong>{" "}
      <Text mono>{code}</Text> <Ago at={at} />
    </span>
  );
}

function MetadataCell({ value }: { value: StackSummary["metadata"][string] | undefined }) {
  return value === undefined ? null : <MaybeLink value={String(value)} />;
}

function SelectOne({ id, selection, onSelect }: SelectProps & { id: string }) {
  const checked = selection.all || selection.ids.has(id);
  const toggle = () => {
    // After "all matching", taking one out means choosing by hand again.
    const ids = new Set(selection.all ? [] : selection.ids);
    if (!ids.delete(id)) ids.add(id);
    onSelect({ ids, all: false });
  };
  return <input type="checkbox" aria-label={`Select ${id}`} checked={checked} onChange={toggle} />;
}

function SelectAll({ ids, selection, onSelect }: SelectProps & { ids: readonly string[] }) {
  const checked = selection.all || (ids.length > 0 && ids.every((id) => selection.ids.has(id)));
  return (
    <input
      type="checkbox"
      aria-label="Select all loaded stacks"
      checked={checked}
      onChange={() => onSelect({ ids: new Set(checked ? [] : ids), all: false })}
    />
  );
}

interface SelectProps {
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}
