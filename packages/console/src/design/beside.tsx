import type { ReactNode } from "react";
import type { PagedList } from "../api/use-pages.ts";
import { Empty } from "./page.tsx";
import { type Column, Listed, Table } from "./table.tsx";
import { useMedia } from "./use-media.ts";
import "./beside.css";

/** Renders a detail with the list that it belongs to, if there is space for both. */
export function Beside({ label, list, children }: BesideProps) {
  const hasRoom = useMedia("(min-width: 1200px)");
  return (
    <div className={hasRoom ? "beside" : undefined}>
      {hasRoom && (
        <aside className="panel" aria-label={label}>
          {list}
        </aside>
      )}
      <div className="beside-detail">{children}</div>
    </div>
  );
}

interface BesideProps {
  /** What the list contains, for screen readers. */
  readonly label: string;
  /** Laid out, and loaded, only where it is shown. */
  readonly list: ReactNode;
  readonly children: ReactNode;
}

/** Renders the list next to a detail: few columns, with the shown item selected. */
export function SideTable<Item>({ label, rows, keyOf, selected, columns, onEnd }: SideTableProps<Item>) {
  return (
    <Table
      label={label}
      columns={columns}
      rows={rows}
      keyOf={keyOf}
      selected={selected}
      height="calc(100dvh - 80px)"
      onEnd={onEnd}
    />
  );
}

interface SideTableProps<Item> {
  readonly label: string;
  readonly rows: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** The key of the item that is shown. */
  readonly selected: string;
  readonly columns: readonly Column<Item>[];
  readonly onEnd?: (() => void) | undefined;
}

/** Renders a list that the server pages, as `SideTable` does. */
export function SideList<Item>({ list, ...table }: SideListProps<Item>) {
  return (
    <Listed list={list} empty={<Empty>The list is empty.</Empty>} height={400}>
      {(items) => <SideTable {...table} rows={items} onEnd={list.loadMore} />}
    </Listed>
  );
}

interface SideListProps<Item> extends Omit<SideTableProps<Item>, "rows" | "onEnd"> {
  readonly list: PagedList<Item>;
}
