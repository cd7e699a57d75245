import { defined } from "@stackyard/core";
import type { Approval } from "@stackyard/sdk";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { useOperation } from "../app/use-operation.tsx";
import { Asks, ReviewLink } from "../design/approval/asks.tsx";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { To } from "../design/links.tsx";
import { Empty } from "../design/page.tsx";
import { Text } from "../design/text.tsx";

/** Renders open approvals, and lets the person give those that they may. */
export function OpenApprovals() {
  const list = usePages(keys.list("approvals", { all: true }), (part) =>
    yard.approvals.list({ sort: "enteredAt", ...part }),
  );
  return (
    <div className="inbox-asks">
      <Asks
        title="Open approvals"
        list={list}
        empty={<Empty>No approval is open.</Empty>}
        action={(approval) => <Answers approval={approval} />}
      />
    </div>
  );
}

function Answers({ approval }: { approval: Approval }) {
  const { stackId, machine } = approval;
  const [open, setOpen] = useState(false);
  const denied = useRefusal("approve", { machine, stackId });
  return (
    <>
      <ReviewLink approval={approval} />
      <Button
        refusal={
          denied ?? (approval.mine === false ? `Only members of ${approval.from.join(", ")} may approve` : undefined)
        }
        onPress={() => setOpen(true)}
      >
        Approve…
      </Button>
      {open && <ApproveDialog approval={approval} onClose={() => setOpen(false)} />}
    </>
  );
}

function ApproveDialog({ approval, onClose }: { approval: Approval; onClose: () => void }) {
  const { id, stackId, task, state, comment, of } = approval;
  const [eventId] = useState(newEventId);
  const operate = useOperation(stackId);
  return (
    <ActionDialog
      title={`Approve ${task} of ${stackId}`}
      verb="Approve"
      reason={comment}
      typed={of}
      act={async (text) => {
        await operate(`Approve ${task} of ${stackId}`, () =>
          yard.approvals.approve(id, { id: eventId, ...defined({ comment: text, of }) }),
        );
      }}
      onClose={onClose}
    >
      <p>
        The stack is in <Text>{state}</Text>. To see what follows first,{" "}
        <To path="/approval" search={{ stack: stackId, task }}>
          review it
        </To>
        .
      </p>
    </ActionDialog>
  );
}
