import { type Failed, failed, formatFaults, listSchemaFaults } from "@stackyard/core";
import type { YardService } from "@stackyard/core/engine";
import { DeployConfig } from "./definition.ts";
import { type SendJob, toJob } from "./deploy-job.ts";

/** Loads what another task of the release would send now. */
export async function loadSendJob(yard: Pick<YardService, "config">, task: string): Promise<SendJob | Failed> {
  const config = await yard.config(task);
  const faults = formatFaults(listSchemaFaults(DeployConfig, config));
  // The schema has just checked it.
  const job = faults.length > 0 ? undefined : toJob(config as DeployConfig);
  if (job !== undefined && "op" in job && job.op === "send") return job;
  const why = faults.length > 0 ? faults.join(" ") : "It is not a task deploy that sends an event.";
  const message = `What the task "${task}" would send is not known: ${why}`;
  return failed({ code: "CONFIG_INVALID", message, retryable: false });
}
