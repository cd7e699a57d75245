import type { Approval, StackSummary } from "@stackyard/sdk";
import { toStackStatus } from "../api/status.ts";
import { toSafeText } from "../text/safe-text.ts";
import { TextLink } from "./links.tsx";
import { Mark } from "./mark.tsx";
import type { Column } from "./table.tsx";

/** Renders the id of a stack as a link to its page. A narrow list cuts a long id, which its title has whole. */
export function StackLink({ id }: { id: string }) {
  return <TextLink path="/stack" search={{ id }} text={id} title={toSafeText(id)} />;
}

/** Renders the task of an approval as a link to the approval's page. */
export function ApprovalLink({ approval: { stackId, task } }: { approval: Approval }) {
  return (
    <>
      <Mark status="approval" bare /> <TextLink path="/approval" search={{ stack: stackId, task }} text={task} />
    </>
  );
}

/** The column of lists with the id of a stack and the shape of its status. */
export const STACK_COLUMN: Column<StackSummary> = {
  header: "Stack",
  cell: (stack) => (
    <>
      <Mark status={toStackStatus(stack)} bare /> <StackLink id={stack.id} />
    </>
  ),
};
