import { DescribeInstancesCommand, type DescribeInstancesResult, type Filter } from "@aws-sdk/client-ec2";
import {
  CancelCommandCommand,
  type Command,
  type CommandInvocation,
  type CommandPlugin,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationResult,
  type InstanceInformation,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  type ListCommandsCommandInput,
} from "@aws-sdk/client-ssm";
import { escapeFilterValue, redactText } from "@stackyard/aws";
import { chunk, defined, keepEnd } from "@stackyard/core";
import { AwsCallError, callFleet, type FleetAws, listTokenPages } from "./call-fleet.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import {
  DEFAULT_STATES,
  DEFAULT_TAG_KEY,
  DEFAULT_TAG_VALUES,
  type KnownInstance,
  type SelectOptions,
  type SsmAgent,
  toKnownInstance,
} from "./select-instances.ts";

/** Maximum page size of DescribeInstances (API reference, "MaxResults"). */
const PAGE_SIZE = 1_000;
/** At most 200 values of filters in a call (EC2 user guide, "Filtering considerations"). */
const IDS_PER_CALL = 50;

/** Returns the filters of a selection, whose instances `selectInstances` checks again. Escapes their values, in which EC2 supports wildcards. */
export function toTagFilters({ tagKey, tagValues, states }: SelectOptions): Filter[] {
  return [
    { Name: `tag:${tagKey ?? DEFAULT_TAG_KEY}`, Values: (tagValues ?? DEFAULT_TAG_VALUES).map(escapeFilterValue) },
    { Name: "instance-state-name", Values: (states ?? DEFAULT_STATES).map(escapeFilterValue) },
  ];
}

/** Loads instances by their ids, in that order. EC2 does not return missing ones and managed nodes. */
export async function loadByIds(aws: FleetAws, ids: readonly string[]): Promise<readonly KnownInstance[]> {
  const found: KnownInstance[] = [];
  const own = ids.filter((id) => id.startsWith("i-"));
  for (const part of chunk(own, IDS_PER_CALL)) {
    found.push(...(await loadFiltered(aws, [{ Name: "instance-id", Values: part }])));
  }
  const byId = new Map(found.map((instance) => [instance.instanceId, instance]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Returns one instance; undefined if EC2 does not list it, maybe not yet. */
export async function findInstance(aws: FleetAws, instanceId: string): Promise<KnownInstance | undefined> {
  try {
    const pages = listTokenPages(aws, `The instance ${instanceId} could not be described.`, (token, options) =>
      aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId], ...token }), options),
    );
    for await (const page of pages) for (const instance of toInstances(page)) return instance;
    return undefined;
  } catch (error) {
    if (error instanceof AwsCallError && error.awsName === "InvalidInstanceID.NotFound") return undefined;
    throw error;
  }
}

/** Loads the instances that match these filters. */
export async function loadFiltered(aws: FleetAws, filters: Filter[]): Promise<readonly KnownInstance[]> {
  const found: KnownInstance[] = [];
  const pages = listTokenPages(aws, "The instances could not be listed.", (token, options) =>
    aws.ec2.send(new DescribeInstancesCommand({ Filters: filters, MaxResults: PAGE_SIZE, ...token }), options),
  );
  // Keeps only the required fields: a page of EC2 has some megabytes.
  for await (const page of pages) found.push(...toInstances(page));
  return found;
}

function toInstances({ Reservations = [] }: DescribeInstancesResult): readonly KnownInstance[] {
  return Reservations.flatMap(({ Instances = [] }) => Instances.map(toKnownInstance));
}

/** Loads the agents of instances from SSM; unregistered ones are missing. */
export async function loadAgents(aws: FleetAws, ids: readonly string[]): Promise<ReadonlyMap<string, SsmAgent>> {
  const agents = new Map<string, SsmAgent>();
  for (const part of chunk(ids, IDS_PER_CALL)) {
    const asked = { Filters: [{ Key: "InstanceIds", Values: part }], MaxResults: IDS_PER_CALL };
    const pages = listTokenPages(aws, "The agents of the instances could not be listed.", (token, options) =>
      aws.ssm.send(new DescribeInstanceInformationCommand({ ...asked, ...token }), options),
    );
    for await (const { InstanceInformationList = [] } of pages) {
      for (const node of InstanceInformationList) agents.set(node.InstanceId ?? "", toAgent(node));
    }
  }
  return agents;
}

function toAgent({ PingStatus, AgentVersion, PlatformType }: InstanceInformation): SsmAgent {
  return {
    pingStatus: PingStatus ?? "",
    ...defined({ agentVersion: AgentVersion, platformType: PlatformType }),
  };
}

/** A command that SSM has taken. */
export interface SentCommand {
  readonly commandId: string;
  readonly comment: string;
  readonly ids: readonly string[];
  readonly requestedAt: number;
  /** Detailed, as SSM spells it. */
  readonly status: string;
  /** The number of its instances, as far as SSM has found them. */
  readonly targetCount: number;
}

/** A clock of ours may be ahead of SSM's. */
const SLACK_MS = 5 * 60_000;

/** A command is looked for so long after it may have been sent. */
export const LISTED_AFTER_MS = 10_000;

/** Returns the comment that identifies a chunk's command; SendCommand has no client token. */
export function toComment(runId: string, chunk: number): string {
  return `stackyard:${runId}:${chunk}`;
}

/** Finds the commands with these comments that SSM has accepted since then. */
export async function findCommands(
  aws: FleetAws,
  comments: readonly string[],
  since: number,
): Promise<ReadonlyMap<string, SentCommand>> {
  const wanted = new Set(comments);
  const found = new Map<string, SentCommand>();
  // SSM takes whole seconds: "2024-07-07T00:00:00Z" (API reference, "CommandFilter").
  const after = `${new Date(since - SLACK_MS).toISOString().slice(0, 19)}Z`;
  for await (const command of listCommands(aws, { Filters: [{ key: "InvokedAfter", value: after }] })) {
    if (wanted.has(command.comment)) found.set(command.comment, command);
    if (found.size === wanted.size) break;
  }
  return found;
}

/** Returns the current state of one command; undefined if SSM does not list it yet. */
export async function findCommand(aws: FleetAws, commandId: string): Promise<SentCommand | undefined> {
  for await (const command of listCommands(aws, { CommandId: commandId })) return command;
  return undefined;
}

async function* listCommands(aws: FleetAws, given: ListCommandsCommandInput): AsyncGenerator<SentCommand> {
  const pages = listTokenPages(aws, "The commands could not be listed.", (token, options) =>
    aws.ssm.send(new ListCommandsCommand({ ...given, MaxResults: 50, ...token }), options),
  );
  for await (const page of pages) {
    for (const command of page.Commands ?? []) yield toSentCommand(command);
  }
}

function toSentCommand(command: Command): SentCommand {
  const { CommandId = "", Comment = "", InstanceIds = [], RequestedDateTime, StatusDetails, Status = "" } = command;
  return {
    commandId: CommandId,
    comment: Comment,
    ids: InstanceIds,
    requestedAt: RequestedDateTime?.getTime() ?? 0,
    status: StatusDetails ?? Status,
    targetCount: command.TargetCount ?? 0,
  };
}

/** The state of a command on one instance. */
export interface Invocation {
  readonly instanceId: string;
  readonly commandId: string;
  /** Detailed, as SSM spells it. */
  readonly detailedStatus: string;
  readonly requestedAt?: number;
  readonly links?: FleetInstanceReport["links"];
}

/** Lists all invocations of a command, as far as SSM lists them yet. */
export async function listInvocations(aws: FleetAws, commandId: string): Promise<readonly Invocation[]> {
  const found: Invocation[] = [];
  const asked = { CommandId: commandId, Details: false, MaxResults: 50 };
  const pages = listTokenPages(aws, `The state of command ${commandId} could not be read.`, (token, options) =>
    aws.ssm.send(new ListCommandInvocationsCommand({ ...asked, ...token }), options),
  );
  for await (const page of pages) found.push(...(page.CommandInvocations ?? []).map(toInvocation));
  return found;
}

function toInvocation(invocation: CommandInvocation): Invocation {
  const { InstanceId = "", CommandId = "", StatusDetails, Status = "", RequestedDateTime } = invocation;
  return defined({
    instanceId: InstanceId,
    commandId: CommandId,
    detailedStatus: StatusDetails ?? Status,
    requestedAt: RequestedDateTime?.getTime(),
    ...toLinks(invocation),
  });
}

/**
 * Requests the cancellation of a command on these instances, at most 50 per call, or on all of its instances. Best
 * effort in SSM; an unknown or ended command is not an error.
 */
export async function cancelCommand(aws: FleetAws, commandId: string, ids: readonly string[] | "all"): Promise<void> {
  const parts = ids === "all" ? [undefined] : chunk(ids, IDS_PER_CALL);
  for (const part of parts) {
    const input = { CommandId: commandId, ...defined({ InstanceIds: part }) };
    try {
      await callFleet(aws, {
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

/** Maximum characters of each stream in GetCommandInvocation (API reference). */
const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;

/** The output of a command that failed on an instance. */
export type InvocationOutput = Pick<
  FleetInstanceReport,
  "responseCode" | "startedAt" | "endedAt" | "stdoutTail" | "stderrTail" | "cut" | "links"
>;

/**
 * Loads the output of a command on one instance, as far as SSM has it. Of a document with several steps, returns that
 * of the failed one. Masks possible secrets.
 */
export async function loadOutput(aws: FleetAws, commandId: string, instanceId: string): Promise<InvocationOutput> {
  const step = await findStep(aws, commandId, instanceId);
  const input = { CommandId: commandId, InstanceId: instanceId, ...defined({ PluginName: step }) };
  const answer = await callFleet(aws, {
    what: `The output of ${instanceId} could not be read.`,
    send: (abortSignal) => aws.ssm.send(new GetCommandInvocationCommand(input), { abortSignal }),
  });
  return toOutput(answer);
}

async function findStep(aws: FleetAws, commandId: string, instanceId: string): Promise<string | undefined> {
  const input = { CommandId: commandId, InstanceId: instanceId, Details: true };
  const { CommandInvocations = [] } = await callFleet(aws, {
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
    ...defined({ responseCode: ResponseCode }),
    ...toTimes(answer),
    ...(stdout === "" ? {} : { stdoutTail: keepEnd(redactText(stdout), MAX_STDOUT) }),
    ...(stderr === "" ? {} : { stderrTail: keepEnd(redactText(stderr), MAX_STDERR) }),
    ...(isCut ? { cut: true } : {}),
    ...toLinks(answer),
  };
}

/** Returns the times of an invocation; absent if the command never started there. */
function toTimes({ ExecutionStartDateTime = "", ExecutionEndDateTime = "" }: GetCommandInvocationResult) {
  const startedAt = Date.parse(ExecutionStartDateTime);
  const endedAt = Date.parse(ExecutionEndDateTime);
  return { ...(Number.isNaN(startedAt) ? {} : { startedAt }), ...(Number.isNaN(endedAt) ? {} : { endedAt }) };
}

function toLinks({
  StandardOutputUrl: stdout = "",
  StandardErrorUrl: stderr = "",
}: CommandInvocation | GetCommandInvocationResult): Pick<FleetInstanceReport, "links"> {
  if (stdout === "" && stderr === "") return {};
  return { links: { ...(stdout === "" ? {} : { stdout }), ...(stderr === "" ? {} : { stderr }) } };
}
