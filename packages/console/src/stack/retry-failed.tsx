import type { Deploy } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { countDeploy } from "./deploy-counts.ts";
import { useOperateRefusal } from "./refusals.ts";
import type { StackProps } from "./source.ts";
import { useOperation } from "./use-operation.tsx";

interface RetryFailedProps extends StackProps {
  readonly items: readonly Deploy[];
}

/** Retries the failed task of a release that sends, for the stacks that have failed or were not sent to. */
export function RetryFailed({ source, stack, items }: RetryFailedProps) {
  const [id, setId] = useState<string>();
  const refusal = useOperateRefusal(source, stack, "operate");
  const run = useOperation(stack.id);
  const failed = stack.tasks.filter(({ status }) => status === "ERROR").map(({ name }) => name);
  const deploy = items.find((each) => each.op === "send" && failed.includes(each.task) && countDeploy(each).failed > 0);
  if (deploy === undefined) return null;
  const { task } = deploy;
  const { total } = countDeploy(deploy);
  const count = total.failed.toLocaleString("en");
  return (
    <>
      <Button refusal={refusal} onPress={() => setId(newEventId())}>
        {`Retry ${count} failed…`}
      </Button>
      {id !== undefined && (
        <ActionDialog
          title={`Retry ${task}`}
          verb="Retry task"
          refusal={refusal}
          act={() => run(`Retry ${task}`, () => yard.stacks.retry(stack.id, { task, id }))}
          onClose={() => setId(undefined)}
        >
          <p>
            Sends to {count} failed {total.failed === 1 ? "stack" : "stacks"} again
            {total.unsent > 0 && `, and to ${total.unsent.toLocaleString("en")} that were not sent to`}. Stacks that
            have arrived are left alone.
          </p>
        </ActionDialog>
      )}
    </>
  );
}
