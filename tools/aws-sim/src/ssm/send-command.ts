import { randomUUID } from "node:crypto";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import { type CommandParameters, checkParameters, openDocument, openVersion } from "./documents.ts";
import { cancelInvocations } from "./play-command.ts";
import { toCommand } from "./read-commands.ts";
import { detailsOf, isOver, type SimCommand } from "./sim-command.ts";
import {
  constraint,
  type DocumentVersion,
  executionSecondsOf,
  ssmFaults as faults,
  type SimAgent,
  type SsmState,
} from "./ssm-state.ts";

/** The user guide names an hour as the console's delivery timeout; the API's own default is the same. */
const DELIVERY_SECONDS = 3_600;

/** Implements SendCommand: checks the request, finds the nodes, and begins the command. */
export function sendCommand(state: SsmState, call: SimCall): unknown {
  const { input, now } = call;
  checkSend(input);
  const document = openDocument(state, call, textOf(input, "DocumentName"));
  const { number, version } = openVersion(document, findText(input, "DocumentVersion"));
  checkHash(version, input);
  const parameters: CommandParameters = Object(input["Parameters"] ?? {});
  checkParameters(version, parameters);
  const bucket = findText(input, "OutputS3BucketName") ?? "";
  if (bucket !== "" && !state.s3.hasBucket(bucket)) throw faults.outputFolder("The S3 bucket doesn't exist.");
  const agents = findTargets(state, call);
  if (listOf(input["InstanceIds"]).length > 0) checkPlatforms(agents, version);
  const command: SimCommand = {
    account: call.identity.account,
    region: call.region,
    commandId: randomUUID(),
    documentName: document.name,
    documentVersion: String(number),
    parameters,
    steps: version.steps,
    comment: findText(input, "Comment") ?? "",
    requestedAt: now,
    playedUntil: now,
    instanceIds: listOf(input["InstanceIds"]).map(String),
    targets: listOf(input["Targets"]),
    deliverySeconds: findNumber(input, "TimeoutSeconds") ?? DELIVERY_SECONDS,
    executionSeconds: executionSecondsOf(version, parameters),
    maxConcurrency: findText(input, "MaxConcurrency") ?? "50",
    maxErrors: findText(input, "MaxErrors") ?? "0",
    output: { bucket, prefix: findText(input, "OutputS3KeyPrefix") ?? "" },
    logs: input["CloudWatchOutputConfig"],
    ...toInvocations(agents, countPending(state, call), state.limits.pendingInvocations),
  };
  state.commands.set(command.commandId, command);
  return { Command: toCommand(command, now) };
}

/** Throws for a wrong hash. SSM's error is not documented; the meant document does not exist, so it is that one. */
function checkHash({ hash }: DocumentVersion, input: SimCall["input"]): void {
  const wanted = findText(input, "DocumentHash");
  if (wanted !== undefined && wanted !== hash) throw faults.documentMissing("The document has another hash.");
}

function checkPlatforms(agents: readonly SimAgent[], { platformTypes }: DocumentVersion): void {
  const wrong = agents.filter(({ platformType }) => !platformTypes.includes(platformType));
  if (wrong.length > 0) {
    const ids = wrong.map(({ instanceId }) => instanceId).join(", ");
    throw faults.platform(`The document does not support the platform of ${ids}.`);
  }
}

/**
 * Follows "Command", StatusDetails: over the account's limit of pending invocations the command never runs anywhere.
 */
function toInvocations(
  agents: readonly SimAgent[],
  pending: number,
  limit: number,
): Pick<SimCommand, "invocations" | "refusal"> {
  if (agents.length === 0) return { invocations: [], refusal: "NoInstancesInTag" };
  if (pending + agents.length > limit) return { invocations: [], refusal: "RateExceeded" };
  return { invocations: agents.map(({ instanceId, platformType }) => ({ instanceId, platformType })) };
}

function countPending(state: SsmState, call: SimCall): number {
  if (state.limits.pendingInvocations === Number.POSITIVE_INFINITY) return 0;
  const invocations = state.commandsOf(call).flatMap((each) => each.invocations);
  return invocations.filter((each) => !isOver(detailsOf(each, call.now))).length;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

type Input = SimCall["input"];
type Check = (input: Input) => void;

/** Limits of texts. Source: API reference, "SendCommand". */
const LENGTHS: readonly (readonly [field: string, min: number, max: number])[] = [
  ["Comment", 0, 100],
  ["DocumentHash", 0, 256],
  ["OutputS3BucketName", 3, 63],
  ["OutputS3KeyPrefix", 0, 500],
  ["MaxConcurrency", 1, 7],
  ["MaxErrors", 1, 7],
];
const PATTERNS: readonly (readonly [field: string, pattern: RegExp])[] = [
  ["MaxConcurrency", /^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$/],
  ["MaxErrors", /^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$/],
  ["DocumentName", /^[a-zA-Z0-9_\-.:/]{3,128}$/],
  ["DocumentVersion", /^([$]LATEST|[$]DEFAULT|[1-9][0-9]*)$/],
];
const INSTANCE_ID = /^(i-(\w{8}|\w{17})|mi-\w{17})$/;
const MAX_IDS = 50;
const MAX_TARGETS = 5;
const MAX_TARGET_VALUES = 50;
/** "Target", Key: at most 163 characters. */
const TARGET_KEY = /^[\p{L}\p{Z}\p{N}_.:/=\-@]*$|resource-groups:ResourceTypeFilters|resource-groups:Name/u;
const MAX_TARGET_KEY = 163;
/** TimeoutSeconds: from 30 to 2,592,000. */
const MIN_DELIVERY = 30;
const MAX_DELIVERY = 2_592_000;

/** Refuses a SendCommand whose fields break the limits of the API. */
function checkSend(input: Input): void {
  for (const check of CHECKS) check(input);
}

const CHECKS: readonly Check[] = [
  checkLengths,
  checkPatterns,
  checkTimeout,
  checkInstanceIds,
  checkTargets,
  checkOnlyOne,
];

function checkLengths(input: Input): void {
  for (const [field, min, max] of LENGTHS) {
    const text = findText(input, field);
    if (text === undefined) continue;
    const rule = `Member must have length ${text.length > max ? `less than or equal to ${max}` : `greater than or equal to ${min}`}`;
    if (text.length > max || text.length < min) throw constraint(toField(field), text, rule);
  }
}

function checkPatterns(input: Input): void {
  for (const [field, pattern] of PATTERNS) {
    const text = findText(input, field);
    if (text === undefined || pattern.test(text)) continue;
    throw constraint(toField(field), text, `Member must satisfy regular expression pattern: ${pattern.source}`);
  }
}

function checkTimeout(input: Input): void {
  const seconds = findNumber(input, "TimeoutSeconds");
  if (seconds === undefined || (seconds >= MIN_DELIVERY && seconds <= MAX_DELIVERY)) return;
  const rule =
    seconds < MIN_DELIVERY ? `greater than or equal to ${MIN_DELIVERY}` : `less than or equal to ${MAX_DELIVERY}`;
  throw constraint("timeoutSeconds", seconds, `Member must have value ${rule}`);
}

function checkInstanceIds(input: Input): void {
  const ids = listOf(input["InstanceIds"]);
  if (ids.length > MAX_IDS) {
    throw constraint("instanceIds", ids, `Member must have length less than or equal to ${MAX_IDS}`);
  }
  const wrong = ids.find((id) => !INSTANCE_ID.test(String(id)));
  if (wrong !== undefined) {
    throw constraint("instanceIds", ids, `Member must satisfy regular expression pattern: ${INSTANCE_ID.source}`);
  }
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw faults.duplicateInstance(`${repeated} is listed twice.`);
}

function checkTargets(input: Input): void {
  const targets = listOf(input["Targets"]);
  if (targets.length > MAX_TARGETS) {
    throw constraint("targets", targets, `Member must have length less than or equal to ${MAX_TARGETS}`);
  }
  for (const target of targets) {
    const { Key = "", Values = [] } = Object(target);
    if (Key.length === 0 || Key.length > MAX_TARGET_KEY || !TARGET_KEY.test(Key)) {
      throw constraint("targets.1.member.key", Key, `Member must have length less than or equal to ${MAX_TARGET_KEY}`);
    }
    if (Values.length > MAX_TARGET_VALUES) {
      const rule = `Member must have length less than or equal to ${MAX_TARGET_VALUES}`;
      throw constraint("targets.1.member.values", Values, rule);
    }
  }
}

/** Follows "Targets is required if you don't provide one or more managed node IDs." Both together are refused. */
function checkOnlyOne(input: Input): void {
  const [ids, targets] = [listOf(input["InstanceIds"]), listOf(input["Targets"])];
  if (ids.length > 0 === targets.length > 0) {
    throw faults.validation(
      ids.length > 0 ? "InstanceIds and Targets cannot be used together." : "InstanceIds or Targets is required.",
    );
  }
}

function toField(field: string): string {
  return `${field.slice(0, 1).toLowerCase()}${field.slice(1)}`;
}

/** Returns the nodes of a SendCommand. Throws SSM's error when one of the ids is not registered. */
function findTargets(state: SsmState, call: SimCall): readonly SimAgent[] {
  const given: unknown = call.input["InstanceIds"];
  const ids: readonly string[] = Array.isArray(given) ? given.map(String) : [];
  if (ids.length > 0) return findByIds(state.agentsOf(call, ids), ids, call.identity.account);
  const agents = state.agentsOf(call);
  const targets: unknown = call.input["Targets"];
  const all: readonly unknown[] = Array.isArray(targets) ? targets : [];
  return agents.filter((agent) => all.every((target) => matches(agent, Object(target), state)));
}

function findByIds(agents: readonly SimAgent[], ids: readonly string[], account: string): readonly SimAgent[] {
  const byId = new Map(agents.map((agent) => [agent.instanceId, agent]));
  const found = ids.flatMap((id) => byId.get(id) ?? []);
  if (found.length < ids.length) {
    throw faults.instances(
      ids.filter((id) => !byId.has(id)),
      account,
    );
  }
  return found;
}

interface Target {
  readonly Key?: string;
  readonly Values?: readonly string[];
}

/**
 * Follows the user guide, "Send commands at scale": `tag:Key`, `tag-key`, `InstanceIds`; several keys are ANDed, values
 * ORed.
 */
function matches(agent: SimAgent, { Key = "", Values = [] }: Target, state: SsmState): boolean {
  const tags = state.tagsOf(agent);
  if (Key === "InstanceIds") return Values.includes(agent.instanceId) || Values.includes("*");
  if (Key === "tag-key") return Values.some((each) => each in tags);
  if (Key.startsWith("tag:")) {
    const value = tags[Key.slice("tag:".length)];
    return value !== undefined && Values.includes(value);
  }
  throw faults.validation(`The simulation has no targets by ${Key}.`);
}

/** Follows the API reference, "CancelCommand", InstanceIds: at most 50. */

/** Implements CancelCommand: of all of a command, or on some instances. Nothing is promised about what runs. */
export function cancelCommand(state: SsmState, call: SimCall): unknown {
  const commandId = textOf(call.input, "CommandId");
  const given: unknown = call.input["InstanceIds"];
  const ids = Array.isArray(given) ? given.map(String) : [];
  if (ids.length > MAX_IDS) {
    throw constraint("instanceIds", ids, `Member must have length less than or equal to ${MAX_IDS}`);
  }
  if (new Set(ids).size < ids.length) throw faults.duplicateInstance("An instance is listed twice.");
  const command = state.commandsOf(call).find((each) => each.commandId === commandId);
  if (command === undefined) throw faults.commandMissing(commandId);
  const known = new Set(command.invocations.map(({ instanceId }) => instanceId));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) throw faults.instances(unknown, call.identity.account);
  cancelInvocations(command, ids.length === 0 ? undefined : new Set(ids), call.now);
  return {};
}
