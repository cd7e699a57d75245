import { SendCommandCommand, type SendCommandCommandInput } from "@aws-sdk/client-ssm";
import { lookUntilComplete } from "@stackyard/aws";
import { defined, trimEndOf } from "@stackyard/core";
import { listItems } from "@stackyard/core/rollout";
import { AwsCallError, callFleet, type FleetAws } from "./call-fleet.ts";
import { type RunCommandConfig, toLengths } from "./definition.ts";
import type { ResolvedProfile } from "./document/resolve-profile.ts";
import { findCommands, LISTED_AFTER_MS, loadAgents, type SentCommand, toComment } from "./fleet-calls.ts";
import {
  type FleetRun,
  isWaiting,
  noteFailed,
  noteRefused,
  noteSending,
  noteSent,
  noteUnknown,
  type RunState,
  type SendingChunk,
  withoutSending,
} from "./fleet-run.ts";
import { resolveCommand, toTargetPlatform } from "./plan-run.ts";
import { DEFAULT_TAG_KEY, DEFAULT_TAG_VALUES } from "./select-instances.ts";
import type { StepDeps } from "./step-deps.ts";

/**
 * Records and then sends chunks: after a crash, they are found by their comments. A permanent rejection by SSM ends the
 * sending.
 */
export async function sendChunks(deps: StepDeps, run: FleetRun, chunks: readonly SendingChunk[]): Promise<FleetRun> {
  const { aws, store } = deps;
  let noted = noteSending(run, chunks, aws.clock.now());
  await store.save(noted);
  for (const each of chunks) {
    noted = noted.state.stop === undefined ? await sendOne(deps, noted, each) : withoutSending(noted, each.chunk);
  }
  await store.save(noted);
  return noted;
}

async function sendOne(deps: StepDeps, run: FleetRun, sending: SendingChunk): Promise<FleetRun> {
  const { aws, config } = deps;
  const { chunk } = sending;
  // An instance that SSM does not list yet is tried again later, if it is waited for.
  const isAwaited = config.instance !== undefined;
  try {
    const command = resolveNow(deps, run, sending);
    const targets = run.state.way === "targets" ? toTargets(config) : undefined;
    const request = toSendRequest({ config, state: run.state, command, chunk: sending, ...defined({ targets }) });
    const { commandId, ids, notOnline } = await sendChunk(aws, request);
    const dropped = isAwaited ? run : noteFailed(run, notOnline, "SSM_NOT_ONLINE");
    if (commandId === undefined) return withoutSending(dropped, chunk);
    const sent = { commandId, startedAt: aws.clock.now() };
    return withFleetCommand(noteSent(dropped, { chunk, ids }, sent), commandId);
  } catch (error) {
    // A possibly accepted chunk remains among those being sent: the next step looks it up in SSM.
    if (!(error instanceof AwsCallError) || error.isOpen) throw error;
    return noteRefusal(deps, run, { sending, error });
  }
}

/** Records a chunk that SSM did not accept. An instance that it does not know everywhere yet is sent to later. */
function noteRefusal(
  { aws, config }: StepDeps,
  run: FleetRun,
  { sending, error }: { readonly sending: SendingChunk; readonly error: AwsCallError },
): FleetRun {
  const { code, message, retryable } = error;
  if (!isInvalidInstance(error) || sending.ids.length === 0)
    return noteRefused(run, sending, { code, message, retryable });
  return config.instance === undefined
    ? noteUnknown(run, sending, aws.clock.now())
    : withoutSending(run, sending.chunk);
}

/** Resolves the command. The plan has already checked this; it fails only if the profile was removed since. */
function resolveNow({ config, options }: StepDeps, { state }: FleetRun, chunk: SendingChunk): ResolvedProfile {
  const isOfTargets = state.way === "targets" && config.targets !== undefined;
  const platform = isOfTargets ? toTargetPlatform(config) : chunk.platform;
  const roles = isOfTargets ? ("from-tags" as const) : chunk.roles;
  const command = resolveCommand(config, { platform, roles, startedAt: state.startedAt }, options.profiles);
  if (command.kind === "resolved") return command;
  throw new AwsCallError(command.code, command.message, { retryable: false, cause: undefined });
}

/** Returns SendCommand's targets of a run for which SSM finds the instances. */
function toTargets({ targets, select = {} }: RunCommandConfig): NonNullable<RunCommandConfig["targets"]> {
  const { tagKey = DEFAULT_TAG_KEY, tagValues = [...DEFAULT_TAG_VALUES] } = select;
  return targets ?? [{ key: `tag:${tagKey}`, values: tagValues }];
}

function withFleetCommand(run: FleetRun, commandId: string): FleetRun {
  return run.state.way === "ids" ? run : { ...run, state: { ...run.state, fleetCommand: { commandId } } };
}

/** SSM keeps its commands for 30 days: one that looks in a row do not show was never accepted, and is sent again. */
function findCommandsSurely(
  aws: FleetAws,
  comments: readonly string[],
  since: number,
): Promise<ReadonlyMap<string, SentCommand>> {
  const isComplete = (found: ReadonlyMap<string, SentCommand>) => found.size === comments.length;
  return lookUntilComplete(aws, () => findCommands(aws, comments, since), isComplete);
}

/**
 * Finds, after a crash, which of the chunks being sent SSM has. The others are sent again as new ones. Looks again after
 * a recent crash, because SSM lists a command some seconds late.
 */
export async function recoverSending(aws: FleetAws, run: FleetRun): Promise<FleetRun> {
  const { sending, runId, sendingAt = 0 } = run.state;
  if (sending.length === 0) return run;
  const waiting = new Set(listItems(run).flatMap((instance) => (isWaiting(instance) ? [instance.instanceId] : [])));
  const open = sending.filter(({ ids }) => ids.length === 0 || ids.some((id) => waiting.has(id)));
  const comments = open.map(({ chunk }) => toComment(runId, chunk));
  if (comments.length > 0) await aws.clock.sleep(sendingAt + LISTED_AFTER_MS - aws.clock.now(), aws.signal);
  const found = comments.length === 0 ? new Map() : await findCommandsSurely(aws, comments, sendingAt);
  const recovered = open.reduce((noted, each) => noteFound(noted, each, found.get(toComment(runId, each.chunk))), run);
  return { ...recovered, state: { ...recovered.state, sending: [] } };
}

/** Records a found chunk. Its instances that are not in its command were left out as not online. */
function noteFound(run: FleetRun, { chunk, ids }: SendingChunk, command: SentCommand | undefined): FleetRun {
  if (command === undefined) return run;
  const { commandId, requestedAt: startedAt } = command;
  const isIn = new Set(command.ids);
  const sent = ids.filter((id) => isIn.has(id));
  const dropped = ids.filter((id) => !isIn.has(id));
  const noted = noteSent(noteFailed(run, dropped, "SSM_NOT_ONLINE"), { chunk, ids: sent }, { commandId, startedAt });
  return withFleetCommand(noted, commandId);
}

/** The input of a command. */
interface SendRequestInput {
  readonly config: RunCommandConfig;
  readonly state: Pick<RunState, "runId">;
  readonly command: ResolvedProfile;
  readonly chunk: SendingChunk;
  /** Instead of the chunk's instances. */
  readonly targets?: RunCommandConfig["targets"];
}

/** Returns SendCommand's request for one chunk. */
export function toSendRequest({ config, state, command, chunk, targets }: SendRequestInput): SendCommandCommandInput {
  const { documentName, documentHash, documentVersion, parameters } = command;
  return {
    DocumentName: documentName,
    ...defined({ DocumentVersion: documentVersion }),
    ...(documentHash === undefined ? {} : { DocumentHash: documentHash, DocumentHashType: "Sha256" }),
    Parameters: Object.fromEntries(Object.entries(parameters).map(([key, values]) => [key, [...values]])),
    ...(targets === undefined
      ? { InstanceIds: [...chunk.ids] }
      : { Targets: targets.map(({ key, values }) => ({ Key: key, Values: [...values] })) }),
    Comment: toComment(state.runId, chunk.chunk),
    MaxConcurrency: chunk.maxConcurrency,
    MaxErrors: chunk.maxErrors,
    TimeoutSeconds: Math.ceil(toLengths(config).deliveryTimeout / 1_000),
    ...toOutput(config, state),
  };
}

function toOutput({ output }: RunCommandConfig, { runId }: Pick<RunState, "runId">): Partial<SendCommandCommandInput> {
  const { bucket, prefix = "runs", logGroup } = output ?? {};
  const folder = `${trimEndOf(prefix, "/")}/${runId}/`;
  const logs = { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: logGroup };
  return defined({
    OutputS3BucketName: bucket,
    OutputS3KeyPrefix: bucket === undefined ? undefined : folder,
    CloudWatchOutputConfig: logGroup === undefined ? undefined : logs,
  });
}

/** The result of sending a chunk: who has it, and who was left out because the agent does not answer. */
interface SendResult {
  /** The sent command, or undefined if no instance was left. */
  readonly commandId?: string;
  readonly ids: readonly string[];
  readonly notOnline: readonly string[];
}

/**
 * Sends one command. If SSM no longer knows an instance, leaves out those that are not online and sends the rest once.
 * Throws `AwsCallError`, `SSM_THROTTLED` when SSM did not accept it in ten tries.
 */
async function sendChunk(aws: FleetAws, request: SendCommandCommandInput): Promise<SendResult> {
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
  return callFleet(aws, {
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
      return (await findCommandsSurely(aws, [Comment], begunAt)).get(Comment)?.commandId;
    },
  });
}
