import type { ReactNode } from "react";
import { Empty } from "./page.tsx";
import { ListTable, type ListTableProps, Table, type TableProps } from "./table.tsx";
import { useMedia } from "./use-media.ts";
import "./list-detail.css";

/** Renders a detail with the list that it belongs to, if there is space for both. */
export function ListDetail({ label, list, children }: ListDetailProps) {
  const hasRoom = useMedia("(min-width: 1200px)");
  return (
    <div className={hasRoom ? "list-detail" : undefined}>
      {hasRoom && (
        <aside className="panel" aria-label={label}>
          {list}
        </aside>
      )}
      <div className="list-detail-page">{children}</div>
    </div>
  );
}

interface ListDetailProps {
  /** The content of the list, for screen readers. */
  readonly label: string;
  /** Laid out, and loaded, only where it is shown. */
  readonly list: ReactNode;
  readonly children: ReactNode;
}

const HEIGHT = "calc(100dvh - 80px)";

/** Renders the list next to a detail: few columns, with the shown item selected; nothing where that is the only one. */
export function SideTable<Item>(props: Omit<TableProps<Item>, "height" | "onRange">) {
  if (isAlone(props.rows, props)) return null;
  return <Table {...props} height={HEIGHT} />;
}

/** Renders a list that the server pages, as `SideTable` does. */
export function SideList<Item>(props: Omit<ListTableProps<Item>, "height" | "empty" | "loadingHeight">) {
  if (isAlone(props.list.items, props)) return null;
  return <ListTable {...props} height={HEIGHT} empty={<Empty>The list is empty.</Empty>} loadingHeight={400} />;
}

/** Returns true for a list whose only item is the one that is shown. */
function isAlone<Item>(
  items: readonly Item[] | undefined,
  { keyOf, selected }: Pick<TableProps<Item>, "keyOf" | "selected">,
): boolean {
  const [only, ...others] = items ?? [];
  return only !== undefined && others.length === 0 && keyOf(only) === selected;
}
