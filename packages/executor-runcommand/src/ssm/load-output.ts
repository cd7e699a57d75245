import {
  type CommandPlugin,
  GetCommandInvocationCommand,
  type GetCommandInvocationResult,
  ListCommandInvocationsCommand,
} from "@aws-sdk/client-ssm";
import { redactText } from "@stackyard/aws";
import type { FleetInstanceReport } from "../fleet-report.ts";
import { callAws, type FleetAws } from "./call-aws.ts";

/** What GetCommandInvocation shows of each stream (API reference): the first so many characters. */
const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;

/** What a command that failed on an instance left behind. */
export type InvocationOutput = Pick<
  FleetInstanceReport,
  "responseCode" | "startedAt" | "endedAt" | "stdoutTail" | "stderrTail" | "cut" | "links"
>;

/**
 * The output of a command on one instance, as far as SSM shows it. A document of several steps has an output for each; that
 * of the one that failed is taken. What looks like a secret is left out.
 */
export async function loadOutput(aws: FleetAws, commandId: string, instanceId: string): Promise<InvocationOutput> {
  const step = await findStep(aws, commandId, instanceId);
  const input = { CommandId: commandId, InstanceId: instanceId, ...(step === undefined ? {} : { PluginName: step }) };
  const answer = await callAws(aws, {
    what: `The output of ${instanceId} could not be read.`,
    send: (abortSignal) => aws.ssm.send(new GetCommandInvocationCommand(input), { abortSignal }),
  });
  return toOutput(answer);
}

async function findStep(aws: FleetAws, commandId: string, instanceId: string): Promise<string | undefined> {
  const input = { CommandId: commandId, InstanceId: instanceId, Details: true };
  const { CommandInvocations = [] } = await callAws(aws, {
    what: `The steps of the command on ${instanceId} could not be read.`,
    send: (abortSignal) => aws.ssm.send(new ListCommandInvocationsCommand(input), { abortSignal }),
  });
  const steps = CommandInvocations[0]?.CommandPlugins ?? [];
  return (steps.find(hasFailed) ?? steps.at(-1))?.Name;
}

function hasFailed({ Status }: CommandPlugin): boolean {
  return Status === "Failed" || Status === "TimedOut";
}

function toOutput(answer: GetCommandInvocationResult): InvocationOutput {
  const { StandardOutputContent: stdout = "", StandardErrorContent: stderr = "", ResponseCode } = answer;
  const isCut = stdout.length >= MAX_STDOUT || stderr.length >= MAX_STDERR;
  return {
    ...(ResponseCode === undefined ? {} : { responseCode: ResponseCode }),
    ...toTimes(answer),
    ...(stdout === "" ? {} : { stdoutTail: redactText(stdout).slice(-MAX_STDOUT) }),
    ...(stderr === "" ? {} : { stderrTail: redactText(stderr).slice(-MAX_STDERR) }),
    ...(isCut ? { cut: true } : {}),
    ...toLinks(answer),
  };
}

/** Absent where the command never began there. */
function toTimes({ ExecutionStartDateTime = "", ExecutionEndDateTime = "" }: GetCommandInvocationResult) {
  const startedAt = Date.parse(ExecutionStartDateTime);
  const endedAt = Date.parse(ExecutionEndDateTime);
  return { ...(Number.isNaN(startedAt) ? {} : { startedAt }), ...(Number.isNaN(endedAt) ? {} : { endedAt }) };
}

function toLinks({ StandardOutputUrl: stdout = "", StandardErrorUrl: stderr = "" }: GetCommandInvocationResult) {
  if (stdout === "" && stderr === "") return {};
  return { links: { ...(stdout === "" ? {} : { stdout }), ...(stderr === "" ? {} : { stderr }) } };
}
