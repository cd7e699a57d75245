import { defined } from "@stackyard/core";
import type { Approval, StackSummary } from "@stackyard/sdk";
import { toStackStatus } from "../api/status.ts";
import { toSafeText } from "../text/safe-text.ts";
import { TextLink, To } from "./links.tsx";
import { Mark } from "./mark.tsx";
import type { Column } from "./table.tsx";

/** The end of an id often distinguishes it, as its begin does. */
const END = 8;
const SHORT = 24;

interface StackLinkProps {
  readonly id: string;
  readonly className?: string;
  /** The page of another thing with an id, such as a job. */
  readonly path?: "/stack" | "/job";
}

/** Renders the id of a stack as a link to its page. A narrow list cuts a long id in its middle; copied, and as its title, it is whole. A short one stays one word. */
export function StackLink({ id, className, path = "/stack" }: StackLinkProps) {
  const text = toSafeText(id);
  const at = text.length > SHORT ? text.length - END : 0;
  // Between parts, screen readers would read a space.
  const name = at > 0 ? { label: text } : { title: text };
  return (
    <To path={path} search={{ id }} {...defined({ className })} {...name}>
      <bdi className={at > 0 ? "wrap" : "nowrap"}>
        {at > 0 && <span className="id-begin">{text.slice(0, at)}</span>}
        {text.slice(at)}
      </bdi>
    </To>
  );
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
    <span className="marked-id">
      <Mark status={toStackStatus(stack)} bare /> <StackLink id={stack.id} />
    </span>
  ),
};
