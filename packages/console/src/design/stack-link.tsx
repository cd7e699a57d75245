import type { StackSummary } from "@stackyard/sdk";
import { toStackStatus } from "../api/status.ts";
import { To } from "./links.tsx";
import { Mark } from "./mark.tsx";
import { Text } from "./text.tsx";

/** The id of a stack as a link to its page. */
export function StackLink({ id }: { id: string }) {
  return (
    <To path="/stack" search={{ id }}>
      <Text>{id}</Text>
    </To>
  );
}

/** The id of a stack with the shape of its status. */
export function MarkedStack({ stack }: { stack: StackSummary }) {
  return (
    <>
      <Mark status={toStackStatus(stack)} bare /> <StackLink id={stack.id} />
    </>
  );
}
