import type { BulkRequest, Deploy, Seen } from "@stackyard/sdk";
import { useState } from "react";
import { useAnyRefusal } from "../../api/access.ts";
import { toFailure, yard } from "../../api/client.ts";
import { newEventId } from "../../api/event-id.ts";
import { useOperation } from "../../app/use-operation.tsx";
import { BulkDialog } from "../../bulk/bulk-dialog.tsx";
import { Button } from "../../design/button.tsx";
import { ActionDialog } from "../../design/dialog.tsx";
import { useToast } from "../../design/toasts.tsx";
import { toSeenTask } from "../actions/to-seen-task.ts";
import { useOperateRefusal } from "../refusals.ts";
import type { StackProps } from "../source.ts";
import { countDeploy } from "./deploy-counts.ts";

interface RetryFailedProps extends StackProps {
  readonly items: readonly Deploy[];
}

/** Renders the way out for the stacks that a release has failed at: a retry of its failed task, else the event again. */
export function RetryFailed(props: RetryFailedProps) {
  const { stack, items } = props;
  const failed = items.filter((deploy) => deploy.op === "send" && countDeploy(deploy).failed > 0);
  const ended = new Set(stack.tasks.filter(({ status }) => status === "ERROR").map(({ name }) => name));
  if (failed.some(({ task }) => ended.has(task))) return <RetryTask {...props} />;
  const [deploy] = failed;
  return deploy === undefined ? null : <SendAgain release={stack.id} deploy={deploy} />;
}

/** More failed stacks than that are handled in several steps. */
const MOST = 1_000;

/** Sends the event of a deployment that runs or has ended again, to the stacks that have failed. */
function SendAgain({ release, deploy }: { readonly release: string; readonly deploy: Deploy }) {
  const { task, event, metadata } = deploy;
  const [request, setRequest] = useState<BulkRequest>();
  const refusal = useAnyRefusal("send");
  const toast = useToast();
  const { failed } = countDeploy(deploy);
  const open = async () => {
    try {
      const { items } = await yard.deploys.stacks(release, task, { state: "failed", limit: MOST });
      const ids = items.map(({ stackId }) => stackId);
      setRequest({ operation: "send", filter: { ids }, body: { event, metadata } });
    } catch (error) {
      toast(`Retry: ${toFailure(error).detail}`, "fail");
    }
  };
  return (
    <>
      <Button look="primary" refusal={refusal} onPress={open}>
        {`Retry ${failed.toLocaleString("en")} failed…`}
      </Button>
      {request !== undefined && <BulkDialog request={request} onClose={() => setRequest(undefined)} />}
    </>
  );
}

/** Retries the failed task of a release that sends, for the stacks that have failed or were not sent to. */
function RetryTask({ source, stack, items }: RetryFailedProps) {
  const [opened, setOpened] = useState<{ readonly id: string; readonly seen: Seen }>();
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
      <Button
        look="primary"
        refusal={refusal}
        onPress={() => setOpened({ id: newEventId(), seen: toSeenTask(stack, task) })}
      >
        {`Retry ${count} failed…`}
      </Button>
      {opened !== undefined && (
        <ActionDialog
          title={`Retry ${task}`}
          verb="Retry task"
          refusal={refusal}
          act={() => run(`Retry ${task}`, () => yard.stacks.retry(stack.id, { task, ...opened }))}
          onClose={() => setOpened(undefined)}
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
