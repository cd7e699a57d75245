import { defined } from "@stackyard/core";
import type { Job, NewJob } from "@stackyard/sdk/jobs";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { Button, type ButtonProps } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { useGo } from "../design/links.tsx";
import { toJobPath } from "../design/run/job-link.tsx";
import { Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { hasHiddenValue } from "./last-success.ts";

/** Renders the button that starts another job with the values of this one. */
export function RunAgain({ job, look }: { job: Job } & Pick<ButtonProps, "look">) {
  const [open, setOpen] = useState(false);
  const toast = useToast();
  const go = useGo();
  const { jobId, executor, config, target, endedAt } = job;
  const refusal = useRefusal("repair", { machine: JOB_MACHINE, stackId: jobId });
  const running = endedAt === undefined ? "The job still runs" : undefined;
  const unknown = target === undefined || isTarget(target) ? undefined : "Its target has no account and region";
  const hidden = hasHiddenValue(job) ? "Its config has hidden values" : undefined;
  return (
    <>
      <Button {...defined({ look })} refusal={refusal ?? running ?? unknown ?? hidden} onPress={() => setOpen(true)}>
        Run again with the same values…
      </Button>
      {open && (
        <ActionDialog
          title="Run again"
          verb="Start another job"
          act={async () => {
            const next = await yard.jobs.start({ executor, config, ...(isTarget(target) && { target }) });
            toast("Another job was started");
            go(toJobPath(next), { id: next.jobId });
          }}
          onClose={() => setOpen(false)}
        >
          <p>
            Starts another job of <Text>{executor}</Text> with the config and the target of <Text mono>{jobId}</Text>.
            This one stays as it is.
          </p>
        </ActionDialog>
      )}
    </>
  );
}

function isTarget(target: Job["target"]): target is NonNullable<NewJob["target"]> {
  return target !== undefined && "account" in target && "region" in target;
}
