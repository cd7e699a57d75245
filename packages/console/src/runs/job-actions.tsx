import { defined } from "@stackyard/core";
import type { Job } from "@stackyard/sdk/jobs";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { Icon } from "../design/icon.tsx";
import { Menu } from "../design/menu.tsx";
import { Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { RunAgain } from "./run-again.tsx";

/**
 * Renders what can be done about a job: what makes sense in its state, and in a menu the rest, with the reasons why not.
 * `retryWord` names what is retried, such as `Retry 3 failed and 9 not sent`.
 */
export function JobActions({ job, retryWord = "Retry" }: { job: Job; retryWord?: string }) {
  const { jobId, state, endedAt, cancelling } = job;
  const [dialog, setDialog] = useState(false);
  const toast = useToast();
  const client = useQueryClient();
  const refusal = useRefusal("operate", { machine: JOB_MACHINE, stackId: jobId });
  const update = (next: Job) => client.setQueryData(keys.stack(jobId, "job"), next);
  const retry = async () => {
    try {
      update(await yard.jobs.retry(jobId));
      toast("The job runs again");
    } catch (error) {
      toast(`Retry: ${toFailure(error).detail}`, "fail");
    }
  };
  const noRetry = toRetryRefusal(state);
  const noCancel = toCancelRefusal(endedAt, cancelling);
  return (
    <>
      {noRetry === undefined && (
        // What has failed is most likely tried again.
        <Button shortcut="r" look="primary" refusal={refusal} onPress={retry}>
          {retryWord}
        </Button>
      )}
      {noCancel === undefined && (
        <Button look="danger" refusal={refusal} onPress={() => setDialog(true)}>
          Cancel…
        </Button>
      )}
      {endedAt !== undefined && <RunAgain job={job} />}
      <Menu label="More actions" face={<Icon name="more" />} className="button">
        {noRetry !== undefined && (
          <Button look="plain" refusal={noRetry}>
            Retry
          </Button>
        )}
        {noCancel !== undefined && (
          <Button look="plain" refusal={noCancel}>
            Cancel…
          </Button>
        )}
        {endedAt === undefined && <RunAgain job={job} look="plain" />}
      </Menu>
      {dialog && (
        <ActionDialog
          title="Cancel the job"
          verb="Cancel the job"
          danger
          reason="optional"
          act={async (reason) => {
            update(await yard.jobs.cancel(jobId, defined({ reason })));
            toast("The job is being cancelled");
          }}
          onClose={() => setDialog(false)}
        >
          <p>
            Asks <Text>{jobId}</Text> (<Text>{job.executor}</Text>) to stop. What it has done stays. Its state follows
            here.
          </p>
        </ActionDialog>
      )}
    </>
  );
}

function toRetryRefusal(state: Job["state"]): string | undefined {
  return state === "failed" || state === "cancelled" ? undefined : "The job has not failed";
}

function toCancelRefusal(endedAt: string | undefined, cancelling: true | undefined): string | undefined {
  if (endedAt !== undefined) return "The job has ended";
  return cancelling ? "The job is being cancelled" : undefined;
}
