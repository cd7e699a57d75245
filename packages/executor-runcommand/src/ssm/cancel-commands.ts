import { CancelCommandCommand } from "@aws-sdk/client-ssm";
import { chunk } from "../chunk.ts";
import { AwsCallError, callAws, type FleetAws } from "./call-aws.ts";

/**
 * Asks SSM to cancel a command on these instances, at most 50 a call, or on all of its instances. SSM does what it can; a
 * command that it does not know any more, or that has ended, is no error.
 */
export async function cancelCommand(aws: FleetAws, commandId: string, ids: readonly string[] | "all"): Promise<void> {
  const parts = ids === "all" ? [undefined] : chunk(ids);
  for (const part of parts) {
    const input = { CommandId: commandId, ...(part === undefined ? {} : { InstanceIds: part }) };
    try {
      await callAws(aws, {
        what: `The command ${commandId} could not be cancelled.`,
        send: (abortSignal) => aws.ssm.send(new CancelCommandCommand(input), { abortSignal }),
      });
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  }
}

function isOver(error: unknown): boolean {
  return (
    error instanceof AwsCallError && (error.awsName === "InvalidCommandId" || error.awsName === "InvalidInstanceId")
  );
}
