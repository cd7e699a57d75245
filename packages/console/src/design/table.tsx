import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import type { PagedList } from "../api/use-pages.ts";
import { Button } from "./button.tsx";
import { useKeptPlace, useScrollPlace } from "./kept-places.ts";
import { ErrorNotice, Skeleton } from "./page.tsx";
import { useSettings } from "./settings.ts";
import { ActionsHeading } from "./text.tsx";
import { useMedia } from "./use-media.ts";
import { usePrinting } from "./use-printing.ts";

/** A column of a table. */
export interface Column<Row> {
  /** Distinguishes a column whose header is drawn; others are distinguished by their headers. */
  readonly id?: string;
  readonly header: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  readonly number?: true;
  /** Sentences: never narrower than a few words, so that a row stays low on a phone. */
  readonly prose?: true;
  /** In a list at the side: most of the width is for the other column. */
  readonly narrow?: true;
  /** Takes the width that the others leave, and cuts its texts with dots. */
  readonly rest?: true;
  /** Stays one line, however narrow the screen is. */
  readonly line?: true;
  /** The one column of actions, at the end: they have one width. */
  readonly actions?: true;
  /** The order by this column, where the list can be sorted by it. */
  readonly sort?: { readonly direction: "ascending" | "descending" | undefined; readonly onSort: () => void };
}

/** The content of a table, and how it is laid out. */
export interface TableProps<Row> {
  /** The content of the table, for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Height of the scrolled area; without it all rows are laid out. */
  readonly height?: number | string;
  /** Called when the end comes into view: load the next page. */
  readonly onEnd?: (() => void) | undefined;
  readonly selected?: string | undefined;
  /** Shown in place of a table without rows. */
  readonly empty?: ReactNode;
  /** Cells of several lines: a phone has no room for them next to each other, however few columns there are. */
  readonly tall?: true;
  /** Called with the first and last row that are laid out: load what they show. */
  readonly onRange?: ((first: number, last: number) => void) | undefined;
}

/** Returns the column of actions of a list. */
export function toActionsColumn<Row>(cell: (row: Row) => ReactNode): Column<Row> {
  return {
    id: "actions",
    header: <ActionsHeading />,
    actions: true,
    cell: (row) => <span className="row-actions">{cell(row)}</span>,
  };
}

/** Columns that a phone has room for next to each other. */
const MOST_ON_PHONE = 3;

/** Rows of a list are all laid out: more stay a table, of which only those in view are. */
const MOST_IN_LIST = 500;

/** How a table is laid out. As a list, roles say that it is a table still, which its layout does not. */
interface Layout {
  readonly isList: boolean;
  readonly className: string;
  /** Its height where it scrolls; a list is as long as it is. */
  readonly height: number | string | undefined;
  readonly role?: "table";
  readonly groupRole?: "rowgroup";
  readonly rowRole?: "row";
}

/** Returns a list where a table would be cut: on a phone, each of its rows is a list of its cells, with their heads as names. */
function useLayout({ columns, rows, onRange, height, tall }: LayoutInput): Layout {
  const isPhone = useMedia("(max-width: 719px)");
  const isWide = tall || columns.length > MOST_ON_PHONE;
  const isList = isPhone && isWide && rows.length <= MOST_IN_LIST && onRange === undefined;
  if (!isList) return { isList, className: "table-scroll", height };
  const roles = { role: "table", groupRole: "rowgroup", rowRole: "row" } as const;
  return { isList, className: "table-scroll table-list", height: undefined, ...roles };
}

interface LayoutInput extends Pick<TableProps<never>, "onRange" | "height" | "tall"> {
  readonly columns: { readonly length: number };
  readonly rows: { readonly length: number };
}

/** The least height of a row, with its border: that of the token. */
function readRowHeight(): number {
  return Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10) + 1 || 37;
}

// Less than a page of the server, so that its first page is not laid out as a whole either.
const VIRTUAL_FROM = 60;

/** Returns the number of all rows, with that of the heads; -1 where more can be loaded. */
function toRowCount({ rows, onEnd }: Pick<TableProps<unknown>, "rows" | "onEnd">): number {
  return onEnd === undefined ? rows.length + 1 : -1;
}

/** Renders a table. More than 60 rows are laid out only while visible; on paper, all of them. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, keyOf, height, onEnd, selected, empty, onRange } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const place = useKeptPlace(`scroll ${label}`, 0);
  const isPrinting = usePrinting();
  const { isList, role, groupRole, rowRole, ...look } = useLayout(props);
  const isVirtual = height !== undefined && rows.length > VIRTUAL_FROM && !isPrinting && !isList;
  const { rows: density } = useSettings();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the choice of the person changes the token
  const rowPx = useMemo(readRowHeight, [density]);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    // Until the area is measured: visible rows are laid out immediately, not in a second rendering.
    initialRect: { width: 0, height: window.innerHeight },
    initialOffset: place.read(),
    overscan: 12,
    enabled: isVirtual,
  });
  const items = isVirtual
    ? virtualizer.getVirtualItems()
    : rows.map((_, index) => ({ index, start: index * rowPx, end: (index + 1) * rowPx }));
  const first = items.at(0);
  const last = items.at(-1);
  const firstIndex = first?.index ?? 0;
  const lastIndex = last?.index ?? 0;
  useScrollPlace(scroller, place);
  // Paper shows what is there: it loads no rows.
  useEffect(() => {
    if (!isPrinting) onRange?.(firstIndex, lastIndex);
  }, [isPrinting, firstIndex, lastIndex, onRange]);
  useEffect(() => {
    if (isVirtual && lastIndex >= rows.length - 20) onEnd?.();
  }, [isVirtual, lastIndex, rows.length, onEnd]);
  if (rows.length === 0 && empty !== undefined) return empty;
  const before = isVirtual ? (first?.start ?? 0) : 0;
  const after = isVirtual ? virtualizer.getTotalSize() - (last?.end ?? 0) : 0;
  return (
    <section
      className={look.className}
      ref={scroller}
      style={{ maxHeight: look.height }}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled area without a focusable child takes the focus itself (WCAG 2.1.1)
      tabIndex={0}
      aria-label={label}
    >
      <table className="table" aria-rowcount={toRowCount(props)} role={role}>
        <TableHead columns={columns} isList={isList} />
        <tbody role={groupRole}>
          {before > 0 && <Spacer height={before} columns={columns.length} />}
          {items.map(({ index }) => {
            const row = rows[index] as Row;
            const key = keyOf(row);
            return (
              <tr
                key={key}
                data-row={key}
                aria-rowindex={index + 2}
                {...(selected === key && { "aria-selected": true })}
                role={rowRole}
              >
                <Cells columns={columns} row={row} isList={isList} />
              </tr>
            );
          })}
          {after > 0 && <Spacer height={after} columns={columns.length} />}
        </tbody>
      </table>
    </section>
  );
}

/** Renders the heads of columns. */
export function TableHead<Row>({ columns, isList = false }: Omit<CellsProps<Row>, "row">) {
  return (
    <thead role={isList ? "rowgroup" : undefined}>
      <tr role={isList ? "row" : undefined}>
        {columns.map((column) => (
          <HeaderCell key={toKey(column)} column={column} isList={isList} />
        ))}
      </tr>
    </thead>
  );
}

/** The classes of cells, of which a column has one. */
const CELL_CLASSES = ["number", "narrow", "prose", "line", "rest", "actions"] as const;

/** Renders the cells of one row. */
export function Cells<Row>({ columns, row, isList = false }: CellsProps<Row>) {
  return columns.map((column, index) => {
    const content = column.cell(row);
    return (
      <td key={toKey(column)} className={CELL_CLASSES.find((name) => column[name])} {...(isList && { role: "cell" })}>
        {/* What is empty is not in the list, so neither is its name. */}
        {isList && index > 0 && content !== "" && <CellHead column={column} />}
        {content}
      </td>
    );
  });
}

/** Renders the head of a column next to a cell, as a drawing: it is not part of the cell's text, and screen readers say it themselves. */
function CellHead<Row>({ column: { header, prose, actions } }: { column: Column<Row> }) {
  if (prose || actions || typeof header !== "string") return null;
  return <span className="cell-head" aria-hidden="true" data-head={header} />;
}

interface CellsProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly row: Row;
  /** The head of its column is next to a cell, not above. */
  readonly isList?: boolean;
}

function toKey<Row>({ id, header }: Column<Row>): string {
  return id ?? String(header);
}

function HeaderCell<Row>({ column: { header, number, narrow, rest, sort }, isList }: HeaderProps<Row>) {
  return (
    <th
      scope="col"
      role={isList ? "columnheader" : undefined}
      className={number ? "number" : narrow ? "narrow" : rest && "rest"}
      {...(sort && { "aria-sort": sort.direction ?? "none" })}
    >
      {sort === undefined ? (
        header
      ) : (
        <button type="button" className="button plain" onClick={sort.onSort}>
          {header}
          {sort.direction !== undefined && (
            // Drawn, since not each font has triangles.
            <svg viewBox="0 0 8 6" width="8" height="6" fill="currentColor" aria-hidden="true">
              <path d={sort.direction === "ascending" ? "M0 6 4 0 8 6Z" : "M0 0 4 6 8 0Z"} />
            </svg>
          )}
        </button>
      )}
    </th>
  );
}

interface HeaderProps<Row> {
  readonly column: Column<Row>;
  readonly isList: boolean;
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

function ListEnd({ list }: { list: PagedList<unknown> }) {
  if (list.error !== null && list.items !== undefined) return <ErrorNotice error={list.error} onRetry={list.refetch} />;
  if (list.isLoadingMore) return <p className="panel-body muted">Loading more</p>;
  if (list.loadMore === undefined) return null;
  return (
    <p className="panel-body">
      <Button onPress={list.loadMore}>Load more</Button>
    </p>
  );
}

/** Renders a paged list's states around its table: loading, error, empty. */
export function Listed<Item>({ list, empty, height = 240, children }: ListedProps<Item>) {
  if (list.items === undefined) {
    return list.error === null ? (
      <Skeleton height={height} />
    ) : (
      <ErrorNotice error={list.error} onRetry={list.refetch} />
    );
  }
  if (list.items.length === 0 && list.loadMore === undefined && !list.isLoadingMore) return empty;
  return (
    <>
      {children(list.items)}
      <ListEnd list={list} />
    </>
  );
}

interface ListedProps<Item> {
  readonly list: PagedList<Item>;
  readonly empty: ReactNode;
  readonly height?: number | undefined;
  readonly children: (items: readonly Item[]) => ReactNode;
}

/** Renders a paged list as a table, whose end loads the next page. */
export function ListTable<Row>({ list, empty, loadingHeight, ...table }: ListTableProps<Row>) {
  return (
    <Listed list={list} empty={empty} height={loadingHeight}>
      {(items) => <Table {...table} rows={items} onEnd={list.loadMore} />}
    </Listed>
  );
}

/** A table of a paged list. */
export interface ListTableProps<Row> extends Omit<TableProps<Row>, "rows" | "onEnd" | "onRange" | "empty"> {
  readonly list: PagedList<Row>;
  readonly empty: ReactNode;
  readonly loadingHeight?: number;
}
