import type { StackSort, StackSummary } from "@stackyard/sdk";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { rememberList } from "../api/last-list.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { Icon } from "../design/icon.tsx";
import { useKeptPlace, useScrollPlace } from "../design/kept-places.ts";
import { ErrorNotice, Skeleton } from "../design/page.tsx";
import { Cells, type Column, TableHead } from "../design/table.tsx";
import type { GroupChoice } from "./group-choice.ts";
import type { Selection } from "./selection-bar.tsx";
import { type StackRow, useStackColumns } from "./stack-columns.tsx";
import { useColumns } from "./use-columns.ts";
import {
  type ListFilter,
  type StackGroup,
  type StackGroups,
  useConditionGroups,
  useMachineGroups,
  usePullGroups,
  useValueGroups,
} from "./use-groups.tsx";

interface GroupsProps {
  readonly choice: GroupChoice;
  readonly filter: ListFilter;
  readonly sort: StackSort;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  /** Whose metadata decides the usual columns. */
  readonly sample: readonly StackSummary[];
}

/** Renders stacks in groups that open and close. The stacks of a group are loaded while it is open. */
export function GroupedStacks({ choice, filter, ...view }: GroupsProps) {
  const show = (groups: StackGroups) => <GroupsState groups={groups} {...view} />;
  if (choice.kind === "metadata") return <ByValue name={choice.key} filter={filter} show={show} />;
  const By = { condition: ByCondition, machine: ByMachine, pull: ByPull }[choice.kind];
  return <By filter={filter} show={show} />;
}

interface ByProps {
  readonly filter: ListFilter;
  readonly show: (groups: StackGroups) => ReactNode;
}

function ByCondition({ filter, show }: ByProps) {
  return show(useConditionGroups(filter));
}

function ByMachine({ filter, show }: ByProps) {
  return show(useMachineGroups(filter));
}

function ByPull({ filter, show }: ByProps) {
  return show(usePullGroups(filter));
}

function ByValue({ name, filter, show }: ByProps & { name: string }) {
  return show(useValueGroups(filter, name));
}

function GroupsState({ groups, ...view }: Omit<GroupsProps, "choice" | "filter"> & { groups: StackGroups }) {
  if (groups.error !== null) return <ErrorNotice error={groups.error} onRetry={groups.refetch} />;
  if (groups.groups === undefined) return <Skeleton height={400} />;
  if (groups.groups.length === 0) {
    return (
      <div className="panel-body stack-v">
        <p className="muted">{groups.note ?? "No stack matches."}</p>
        {groups.more !== undefined && <MoreGroups more={groups.more} />}
      </div>
    );
  }
  return <Groups groups={groups} list={groups.groups} {...view} />;
}

function MoreGroups({ more }: { more: () => void }) {
  return <Button onPress={more}>Load more groups</Button>;
}

/** Groups that are open at first: each open one is a request. */
const OPEN_FIRST = 6;

function Groups({ groups: { note, more }, list, sort, selection, onSelect, sample }: GroupsViewProps) {
  const scroller = useRef<HTMLElement>(null);
  useScrollPlace(scroller, useKeptPlace("scroll groups", 0));
  const [loaded, setLoaded] = useState<ReadonlyMap<string, readonly string[]>>(new Map());
  const report = useCallback((key: string, ids: readonly string[]) => {
    setLoaded((before) => (before.get(key)?.join("\n") === ids.join("\n") ? before : new Map(before).set(key, ids)));
  }, []);
  const loadedIds = useMemo(() => [...new Set(list.flatMap(({ key }) => loaded.get(key) ?? []))], [list, loaded]);
  useEffect(() => rememberList(loadedIds), [loadedIds]);
  const choices = useColumns(sample);
  const columns = useStackColumns({ choices, sort, selection, onSelect, loadedIds });
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard */}
      <section className="table-scroll stacks-table stacks-grouped" ref={scroller} tabIndex={0} aria-label="Stacks">
        <table className="table">
          <TableHead columns={columns} />
          {list.map((group, index) => (
            <GroupBody
              key={group.key}
              group={group}
              sort={sort}
              columns={columns}
              isFirst={index < OPEN_FIRST}
              onLoaded={report}
            />
          ))}
        </table>
      </section>
      {(note !== undefined || more !== undefined) && (
        <footer className="stacks-note">
          {note !== undefined && <span>{note}</span>}
          {more !== undefined && <MoreGroups more={more} />}
        </footer>
      )}
    </>
  );
}

interface GroupsViewProps extends Omit<GroupsProps, "choice" | "filter"> {
  readonly groups: StackGroups;
  readonly list: readonly StackGroup[];
}

interface BodyProps {
  readonly group: StackGroup;
  readonly sort: StackSort;
  readonly columns: readonly Column<StackRow>[];
  readonly isFirst: boolean;
  readonly onLoaded: (key: string, ids: readonly string[]) => void;
}

function GroupBody({ group, isFirst, ...rest }: BodyProps) {
  const place = useKeptPlace(`group ${group.key}`, isFirst);
  const [isOpen, setOpen] = useState(() => place.read());
  const toggle = () => {
    place.write(!isOpen);
    setOpen(!isOpen);
  };
  const { columns, onLoaded } = rest;
  useEffect(() => {
    if (!isOpen) onLoaded(group.key, []);
  }, [isOpen, onLoaded, group.key]);
  return (
    <tbody>
      <tr className="group-row">
        <th scope="rowgroup" colSpan={columns.length}>
          <button type="button" className="group-toggle" aria-expanded={isOpen} onClick={toggle}>
            <Icon name={isOpen ? "unfold" : "next"} size={14} />
            {group.title} <span className="muted">{group.count}</span>
          </button>
        </th>
      </tr>
      {isOpen &&
        ("filter" in group.of ? (
          <ListedRows group={group} filter={group.of.filter} {...rest} />
        ) : (
          <GivenRows group={group} stacks={group.of.stacks} {...rest} />
        ))}
    </tbody>
  );
}

type RowsProps = Omit<BodyProps, "isFirst">;

/** Stacks of one request of a group. */
const GROUP_PAGE = 25;

function ListedRows({ filter, sort, ...rest }: RowsProps & { filter: ListFilter }) {
  const list = usePages(
    keys.list("stacks-of-group", { filter, sort }),
    (part) => yard.stacks.list({ condition: "any", ...filter, waiting: true }, { sort, ...part }),
    GROUP_PAGE,
  );
  const width = rest.columns.length;
  if (list.items === undefined) {
    return (
      <tr>
        <td colSpan={width}>
          {list.error === null ? <Skeleton height={36} /> : <ErrorNotice error={list.error} onRetry={list.refetch} />}
        </td>
      </tr>
    );
  }
  return (
    <>
      <GivenRows stacks={list.items} sort={sort} {...rest} />
      {(list.loadMore !== undefined || list.isLoadingMore) && (
        <tr>
          <td colSpan={width}>
            <Button look="plain" refusal={list.isLoadingMore ? "Loading" : undefined} onPress={() => list.loadMore?.()}>
              Show more of this group
            </Button>
          </td>
        </tr>
      )}
    </>
  );
}

function GivenRows({ group, stacks, columns, onLoaded }: RowsProps & { stacks: readonly StackSummary[] }) {
  useEffect(
    () =>
      onLoaded(
        group.key,
        stacks.map(({ id }) => id),
      ),
    [group.key, stacks, onLoaded],
  );
  return stacks.map((stack) => (
    <tr key={stack.id} data-row={stack.id}>
      <Cells columns={columns} row={{ key: stack.id, stack }} />
    </tr>
  ));
}
