import { nameApart } from "@stackyard/core";
import type { Approval } from "@stackyard/sdk";
import { useSearch } from "../design/links.tsx";
import { Empty, Page, Panel } from "../design/page.tsx";
import { ApprovalLink } from "../design/stack-link.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Tabs } from "../design/tabs.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useApprovals } from "./approval-list.tsx";

/** Renders open approvals: those that you may give, or all. */
export function ApprovalsPage() {
  const mine = useSearch()["tab"] !== "all";
  const approvals = useApprovals(mine);
  return (
    <Page title="Approvals">
      <Tabs
        path="/approvals"
        tabs={[
          { id: "mine", title: "For me" },
          { id: "all", title: "All" },
        ]}
      />
      <Panel title={mine ? "Waits for you" : "Waits for approval"}>
        <ListTable
          list={approvals}
          empty={
            <Empty command="stackyard approvals ls">
              {mine ? "No approval waits for you." : "No approval is open."}
            </Empty>
          }
          label="Open approvals"
          columns={toColumns(approvals.items ?? [])}
          keyOf={({ id }) => id}
        />
      </Panel>
    </Page>
  );
}

function listAskers(approvals: readonly Approval[]) {
  return approvals.flatMap(({ askedBy }) => askedBy ?? []);
}

const toColumns = (approvals: readonly Approval[]): readonly Column<Approval>[] => [
  { header: "Approval", cell: (approval) => <ApprovalLink approval={approval} /> },
  { header: "Stack", cell: ({ stackId }) => <Text>{stackId}</Text> },
  { header: "Machine, state", cell: ({ machine, state }) => <Text>{`${machine}, ${state}`}</Text> },
  {
    header: "Asked by",
    cell: ({ askedBy }) => <Text>{askedBy ? nameApart(askedBy, listAskers(approvals)) : "–"}</Text>,
  },
  { header: "Asked", cell: ({ askedAt }) => <Ago at={askedAt} /> },
  { header: "Given", cell: ({ given, count }) => `${given.length} of ${count}` },
  { header: "From", cell: ({ from }) => <Text>{from.join(", ")}</Text> },
  { header: "Expires", cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
];
