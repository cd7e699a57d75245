import { defined } from "@stackyard/core";
import type { Deploy, Seen } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../../api/client.ts";
import { newEventId } from "../../api/event-id.ts";
import { useOperation } from "../../app/use-operation.tsx";
import { Button } from "../../design/button.tsx";
import { ActionDialog } from "../../design/dialog.tsx";
import { formatStacks } from "../../text/format-stacks.ts";
import { toSeenTask } from "../actions/to-seen-task.ts";
import { useOperateRefusal } from "../refusals.ts";
import type { StackProps } from "../source.ts";
import { findCancelRefusal } from "../tasks-panel.tsx";
import { countDeploy } from "./deploy-counts.ts";

/** Renders the way to stop the task of a release that sends; nothing while none does. */
export function StopSending({ source, stack, items }: StackProps & { readonly items: readonly Deploy[] }) {
  const [opened, setOpened] = useState<{ readonly id: string; readonly seen: Seen }>();
  const refusal = useOperateRefusal(source, stack, "operate");
  const run = useOperation(stack.id);
  const task = stack.tasks.find(
    ({ name, status }) => status === "PENDING" && items.some((deploy) => isSending(deploy) && deploy.task === name),
  );
  const deploy = items.find((each) => each.task === task?.name);
  if (task === undefined || deploy === undefined) return null;
  const { total, sent } = countDeploy(deploy);
  const why = refusal ?? findCancelRefusal(task);
  return (
    <>
      <Button refusal={why} onPress={() => setOpened({ id: newEventId(), seen: toSeenTask(stack, task.name) })}>
        Stop sending…
      </Button>
      {opened !== undefined && (
        <ActionDialog
          title={`Stop sending of ${task.name}`}
          verb="Stop sending"
          danger
          reason="optional"
          refusal={why}
          act={(reason) =>
            run(`Stop ${task.name}`, () =>
              yard.stacks.cancel(stack.id, task.name, { ...opened, ...defined({ reason }) }),
            )
          }
          onClose={() => setOpened(undefined)}
        >
          <p>
            Nothing more is sent: {formatStacks(total.waiting)} {total.waiting === 1 ? "stays" : "stay"} without this
            version. {formatStacks(sent)} on {sent === 1 ? "its" : "their"} way {sent === 1 ? "is" : "are"} awaited, and
            what has arrived stays. The task ends as cancelled; a retry sends to the rest.
          </p>
        </ActionDialog>
      )}
    </>
  );
}

function isSending({ op, endedAt, stop }: Deploy): boolean {
  return op === "send" && endedAt === undefined && stop === undefined;
}
