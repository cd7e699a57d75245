import { type CommandInvocation, ListCommandInvocationsCommand } from "@aws-sdk/client-ssm";
import { callAws, type FleetAws } from "./call-aws.ts";
import { listPages } from "./list-pages.ts";

/** How a command stands on one instance. */
export interface Invocation {
  readonly instanceId: string;
  readonly commandId: string;
  /** Detailed, as SSM spells it. */
  readonly detailedStatus: string;
  readonly requestedAt?: number;
  readonly links: { readonly stdout?: string; readonly stderr?: string };
}

/** All invocations of a command that SSM lists by now. */
export async function listInvocations(aws: FleetAws, commandId: string): Promise<readonly Invocation[]> {
  const found: Invocation[] = [];
  const pages = listPages((token) => {
    const input = { CommandId: commandId, Details: false, MaxResults: 50, ...token };
    return callAws(aws, {
      what: `The state of command ${commandId} could not be read.`,
      send: (abortSignal) => aws.ssm.send(new ListCommandInvocationsCommand(input), { abortSignal }),
    });
  });
  for await (const page of pages) found.push(...(page.CommandInvocations ?? []).map(toInvocation));
  return found;
}

function toInvocation(invocation: CommandInvocation): Invocation {
  const { InstanceId = "", CommandId = "", StatusDetails, Status = "", RequestedDateTime } = invocation;
  const { StandardOutputUrl: stdout = "", StandardErrorUrl: stderr = "" } = invocation;
  return {
    instanceId: InstanceId,
    commandId: CommandId,
    detailedStatus: StatusDetails ?? Status,
    ...(RequestedDateTime === undefined ? {} : { requestedAt: RequestedDateTime.getTime() }),
    links: { ...(stdout === "" ? {} : { stdout }), ...(stderr === "" ? {} : { stderr }) },
  };
}
