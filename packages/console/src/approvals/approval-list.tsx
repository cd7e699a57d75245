import type { Approval } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { SideList } from "../design/list-detail.tsx";
import { ApprovalLink } from "../design/stack-link.tsx";
import type { Column } from "../design/table.tsx";
import { Text } from "../design/text.tsx";

/** Loads the open approvals: those that the person may give, or all; the longest open ones first. */
export function useApprovals(mine: boolean): PagedList<Approval> {
  return usePages(keys.list("approvals", { mine }), (part) =>
    yard.approvals.list({ mine, sort: "enteredAt", ...part }),
  );
}

/** Renders the open approvals next to one of them. */
export function ApprovalList({ stackId, task }: { stackId: string; task: string }) {
  return (
    <SideList
      label="Open approvals"
      list={useApprovals(false)}
      keyOf={(approval) => JSON.stringify([approval.stackId, approval.task])}
      selected={JSON.stringify([stackId, task])}
      columns={COLUMNS}
    />
  );
}

const COLUMNS: readonly Column<Approval>[] = [
  { header: "Approval", cell: (approval) => <ApprovalLink approval={approval} /> },
  { header: "Stack", cell: ({ stackId }) => <Text>{stackId}</Text> },
];
