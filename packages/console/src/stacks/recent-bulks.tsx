import { nameSender } from "@stackyard/core";
import type { Bulk } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { BulkProgress } from "../bulk/bulk-dialog.tsx";
import { Dialog } from "../design/dialog.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, Loaded } from "../design/page.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";

const SHOWN = 50;

/** Renders the bulk operations of the last days, or the one in the address. */
export function RecentBulks() {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const bulks = useLoad(keys.list("bulks"), ({ signal }) => yard.bulk.list({ limit: SHOWN, signal }));
  const chosen = bulks.data?.items.find(({ id }) => id === search["bulk"]);
  const close = () => changeSearch({ bulk: undefined });
  if (chosen !== undefined) return <BulkProgress started={chosen} onClose={close} />;
  return (
    <Dialog title="Bulk operations of the last 7 days" onClose={close}>
      <section>
        <Loaded query={bulks}>
          {({ items }) => (
            <Table
              label="Bulk operations"
              columns={toColumns(items)}
              rows={items}
              keyOf={({ id }) => id}
              empty={<Empty>No bulk operation has run. Select stacks and choose what to do with them.</Empty>}
            />
          )}
        </Loaded>
      </section>
    </Dialog>
  );
}

const toColumns = (bulks: readonly Bulk[]): readonly Column<Bulk>[] => [
  { header: "Operation", cell: (bulk) => <Operation bulk={bulk} /> },
  { header: "Status", cell: ({ status }) => status },
  { header: "Done", number: true, cell: ({ done, total }) => `${done} of ${total}` },
  { header: "By", cell: (bulk) => <Text>{nameSender(bulk, bulks) ?? ""}</Text> },
  { header: "Started", cell: ({ createdAt }) => <Ago at={createdAt} /> },
];

function Operation({ bulk: { id, operation, event } }: { bulk: Bulk }) {
  const search = useSearch();
  return (
    <>
      <To path="/stacks" search={{ ...search, bulk: id }}>
        {operation}
      </To>{" "}
      {operation === "send" && event !== undefined && <Text>{event}</Text>}
    </>
  );
}
