import { defined } from "@stackyard/core";
import type { StackSort, StackSummary } from "@stackyard/sdk";
import type { ReactNode } from "react";
import { findAddress, findFailure, findMonthlyCost, findVersion } from "../api/stack-facts.ts";
import { toStackStatus } from "../api/status.ts";
import { useChangeSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Sentence } from "../design/sentence.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { StateName } from "../design/state-name.tsx";
import type { Column } from "../design/table.tsx";
import { Ago, MaybeLink, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toSafeText } from "../text/safe-text.ts";
import { COLUMN_WORDS, type ColumnChoice, type ColumnName, readColumn } from "./column-choice.ts";
import type { Selection } from "./selection-bar.tsx";

/** A row of the list; undefined: its page is not loaded. */
export interface StackRow {
  readonly key: string;
  readonly stack: StackSummary | undefined;
}

/** The look of a column. */
interface Look {
  readonly cell: (stack: StackSummary) => ReactNode;
  readonly number?: true;
  readonly rest?: true;
  /** The order of the server that belongs to it. */
  readonly sort?: "enteredAt" | "createdAt" | "updatedAt";
}

const LOOKS: Readonly<Record<ColumnName, Look>> = {
  condition: { cell: (stack) => <Mark status={toStackStatus(stack)} /> },
  state: { cell: ({ state }) => <StateName state={state} /> },
  // The longest in its state has the smallest instant.
  since: { cell: ({ enteredAt }) => <Ago at={enteredAt} plain />, number: true, sort: "enteredAt" },
  failure: { cell: (stack) => <Failure stack={stack} />, rest: true },
  failedAt: { cell: (stack) => <FailedAt stack={stack} />, number: true },
  waits: { cell: (stack) => <Waits stack={stack} /> },
  version: { cell: ({ metadata }) => <VersionText metadata={metadata} /> },
  machine: { cell: ({ machine }) => <Text>{machine}</Text> },
  link: { cell: (stack) => <AddressLink stack={stack} /> },
  age: { cell: ({ createdAt }) => <Ago at={createdAt} plain />, number: true, sort: "createdAt" },
  changed: { cell: ({ updatedAt }) => <Ago at={updatedAt} />, number: true, sort: "updatedAt" },
  cost: { cell: ({ metadata }) => findMonthlyCost(metadata)?.toFixed(2), number: true },
  revision: { cell: ({ machineHash }) => <Text mono>{machineHash.slice(0, 7)}</Text> },
};

interface ColumnsInput {
  readonly choices: readonly ColumnChoice[];
  readonly sort: StackSort | undefined;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  /** The stacks whose rows are loaded. */
  readonly loadedIds: readonly string[];
}

/** Returns the columns of a list of stacks: a box, the id, and the chosen ones in their order. */
export function useStackColumns({ choices, sort, ...select }: ColumnsInput): readonly Column<StackRow>[] {
  const changeSearch = useChangeSearch();
  const toSort = (by: "id" | NonNullable<Look["sort"]>) => {
    const direction = sort === by ? "ascending" : sort === `-${by}` ? "descending" : undefined;
    return { direction, onSort: () => changeSearch({ sort: direction === "ascending" ? `-${by}` : by }) } as const;
  };
  const { selection, onSelect, loadedIds } = select;
  return [
    {
      id: "select",
      header: <SelectAll ids={loadedIds} selection={selection} onSelect={onSelect} />,
      cell: cellOf(({ id }) => <SelectOne id={id} selection={selection} onSelect={onSelect} />),
    },
    {
      header: "Stack",
      sort: toSort("id"),
      cell: cellOf(({ id }) => (
        <span className="stacks-id">
          <StackLink id={id} />
        </span>
      )),
    },
    ...choices.map((choice): Column<StackRow> => {
      const read = readColumn(choice);
      if ("key" in read) return { id: choice, header: <Text>{read.key}</Text>, cell: cellOf(toMetadataCell(read.key)) };
      const { name } = read;
      const { cell, number, rest, sort: by } = LOOKS[name];
      return {
        id: name,
        header: COLUMN_WORDS[name],
        cell: cellOf(cell),
        ...defined({ number, rest }),
        ...(by !== undefined && { sort: toSort(by) }),
      };
    }),
  ];
}

function cellOf(toCell: (stack: StackSummary) => ReactNode) {
  return ({ stack }: StackRow) => (stack === undefined ? <span className="muted">…</span> : toCell(stack));
}

function toMetadataCell(key: string) {
  return ({ metadata }: StackSummary) => {
    const value = metadata[key];
    return value === undefined ? null : <MaybeLink value={String(value)} />;
  };
}

/** Renders what is deployed; the whole of it on hover. */
export function VersionText({ metadata }: Pick<StackSummary, "metadata">) {
  const version = findVersion(metadata);
  if (version === undefined) return null;
  return (
    <span title={toSafeText(`${version.key} ${version.full}`)}>
      <Text mono>{version.short}</Text>
    </span>
  );
}

/** Renders a link to the environment itself; nothing where it has no address. */
export function AddressLink({ stack: { id, metadata } }: { stack: Pick<StackSummary, "id" | "metadata"> }) {
  const address = findAddress(metadata);
  if (address === undefined) return null;
  return (
    <a href={address.href} target="_blank" rel="noopener noreferrer">
      Open
      <span className="hidden-visually">
        {" "}
        {toSafeText(id)} at {address.host}, in a new tab
      </span>
    </a>
  );
}

/** Renders what failed, now or last; quiet where that is over. */
export function Failure({ stack }: { stack: StackSummary }) {
  const failure = findFailure(stack);
  if (failure === undefined) return null;
  const { task, code, message, isOver } = failure;
  return (
    <span className={isOver ? "muted" : undefined} title={toSafeText(dropColors(`${task}: ${code} ${message}`))}>
      <strong className={isOver ? undefined : `tone-${toStackStatus(stack) === "failed" ? "fail" : "degraded"}`}>
        <Text>{task}</Text>
      </strong>{" "}
      <Text mono>{code}</Text> <Text>{dropColors(message)}</Text>
    </span>
  );
}

function FailedAt({ stack }: { stack: StackSummary }) {
  const at = findFailure(stack)?.at;
  return at === undefined ? null : <Ago at={at} />;
}

function Waits({ stack: { waiting } }: { stack: StackSummary }) {
  return waiting === undefined ? null : (
    <span title={toSafeText(dropColors(waiting.summary))}>
      <Sentence text={waiting.summary} />
    </span>
  );
}

interface SelectProps {
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** Renders the box that selects one stack. */
export function SelectOne({ id, selection, onSelect }: SelectProps & { id: string }) {
  const checked = selection.all || selection.ids.has(id);
  const toggle = () => {
    const ids = new Set(selection.ids);
    // After "all matching", taking one out means choosing by hand again: never that one alone.
    if (!selection.all && !ids.delete(id)) ids.add(id);
    onSelect({ ids, all: false });
  };
  return <input type="checkbox" aria-label={`Select ${toSafeText(id)}`} checked={checked} onChange={toggle} />;
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
