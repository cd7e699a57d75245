import { SendCommandCommand, type SendCommandCommandInput } from "@aws-sdk/client-ssm";
import { AwsCallError, callAws, type FleetAws } from "./call-aws.ts";
import { findCommands, LISTED_AFTER_MS } from "./find-commands.ts";
import { loadAgents } from "./load-agents.ts";

/** What became of a chunk: who has it, and who was left out because the agent does not answer. */
export interface SendResult {
  /** Undefined: nobody was left. */
  readonly commandId?: string;
  readonly ids: readonly string[];
  readonly notOnline: readonly string[];
}

/**
 * Sends one command. Where SSM knows an instance no more, the ones that are not online are left out and the rest is sent
 * once. Throws `AwsCallError`, `SSM_THROTTLED` when SSM did not take it in ten tries.
 */
export async function sendChunk(aws: FleetAws, request: SendCommandCommandInput): Promise<SendResult> {
  const ids = request.InstanceIds ?? [];
  try {
    return { commandId: await sendOnce(aws, request), ids, notOnline: [] };
  } catch (error) {
    if (!isInvalidInstance(error) || ids.length === 0) throw error;
    const agents = await loadAgents(aws, ids);
    const online = ids.filter((id) => agents.get(id)?.pingStatus === "Online");
    const notOnline = ids.filter((id) => !online.includes(id));
    if (online.length === 0) return { ids: [], notOnline };
    return { commandId: await sendOnce(aws, { ...request, InstanceIds: online }), ids: online, notOnline };
  }
}

function isInvalidInstance(error: unknown): boolean {
  return error instanceof AwsCallError && error.awsName === "InvalidInstanceId";
}

async function sendOnce(aws: FleetAws, request: SendCommandCommandInput): Promise<string> {
  const { Comment = "" } = request;
  const begunAt = aws.clock.now();
  return callAws(aws, {
    what: `The command ${Comment} could not be sent.`,
    unavailable: "SSM_THROTTLED",
    async send(abortSignal) {
      const { Command } = await aws.ssm.send(new SendCommandCommand(request), { abortSignal });
      if (Command?.CommandId === undefined) throw new Error("SSM has answered without a command.");
      return Command.CommandId;
    },
    // An answer may be lost although the command was taken, and SSM lists a command some seconds late.
    async recover() {
      await aws.clock.sleep(LISTED_AFTER_MS, aws.signal);
      return (await findCommands(aws, [Comment], begunAt)).get(Comment)?.commandId;
    },
  });
}
