import { createHash } from "node:crypto";
import { defined } from "@stackyard/core";
import { stateOf } from "../ec2/ec2-state.ts";
import type { SimEc2 } from "../ec2/sim-ec2.ts";
import type { SimS3 } from "../s3/sim-s3.ts";
import { jsonFaults } from "../service-faults.ts";
import { findNumber, findText, isOwn, type Place, type ServiceFaults, type SimCall } from "../sim-call.ts";
import { cutPage, SimFault } from "../sim-fault.ts";
import { playCommand } from "./play-command.ts";
import { type CommandStep, type Scripts, type SimCommand, toCourse } from "./sim-command.ts";

/** What all operations share. */
export interface SsmState {
  readonly agents: Map<string, SimAgent>;
  readonly documents: Map<string, SimDocument>;
  readonly commands: Map<string, SimCommand>;
  readonly scripts: Scripts;
  readonly limits: SsmLimits;
  /** Where output goes. */
  readonly s3: SimS3;
  /**
   * Returns registered nodes of the caller's account and region that are not terminated; only of these ids if given.
   */
  agentsOf(call: SimCall, ids?: readonly string[]): readonly SimAgent[];
  tagsOf(agent: SimAgent): Readonly<Record<string, string>>;
  /** Plays all of the caller's commands up to now. */
  commandsOf(call: SimCall): readonly SimCommand[];
}

/** What a test may change. */
export interface SsmLimits {
  /** Until ListCommandInvocations and GetCommandInvocation know a command. */
  invocationLagMs: number;
  /** Until ListCommands does. */
  commandLagMs: number;
  /** Invocations of an account that have not ended. */
  pendingInvocations: number;
}

/** What surrounds it. */
interface SsmStateDeps {
  readonly ec2: SimEc2;
  readonly scripts: Scripts;
  readonly s3: SimS3;
}

/** That a new command is not listed for some seconds is known from practice; SSM documents no figure. */
const INVOCATION_LAG_MS = 2_000;

/** Creates an empty state: no nodes, no own documents, no commands. */
export function createSsmState({ ec2, scripts, s3 }: SsmStateDeps): SsmState {
  const agents = new Map<string, SimAgent>();
  const commands = new Map<string, SimCommand>();
  const isTerminated = (instanceId: string, now: number): boolean => {
    const instance = ec2.findInstance(instanceId);
    return instance !== undefined && ["terminated", "shutting-down"].includes(stateOf(instance, now));
  };
  const play = (command: SimCommand, now: number): void =>
    playCommand(command, now, ({ instanceId }, startAt) => {
      const agent = agents.get(instanceId);
      return toCourse({
        startAt,
        outcome: scripts.next({ ...command, instanceId }),
        onlineAt: agent === undefined ? Number.POSITIVE_INFINITY : onlineAt(agent, startAt),
        deliveryMs: command.deliverySeconds * 1_000,
        executionMs: command.executionSeconds * 1_000,
      });
    });
  return {
    agents,
    commands,
    scripts,
    s3,
    documents: new Map(),
    limits: {
      invocationLagMs: INVOCATION_LAG_MS,
      commandLagMs: 0,
      pendingInvocations: Number.POSITIVE_INFINITY,
    },
    agentsOf: (call, ids) =>
      (ids?.flatMap((id) => agents.get(id) ?? []) ?? [...agents.values()]).filter(
        (agent) => isOwn(agent, call) && agent.registersAt <= call.now && !isTerminated(agent.instanceId, call.now),
      ),
    tagsOf: ({ instanceId, tags }) => ec2.findInstance(instanceId)?.tags ?? tags,
    commandsOf(call) {
      const own = [...commands.values()].filter((each) => isOwn(each, call));
      for (const each of own) play(each, call.now);
      return own;
    },
  };
}

/** A Command document with its versions. */
export interface SimDocument {
  readonly name: string;
  readonly owner: string;
  readonly createdAt: number;
  readonly versions: readonly DocumentVersion[];
  readonly defaultVersion: number;
}

/** One version. */
export interface DocumentVersion {
  readonly content: string;
  readonly hash: string;
  readonly schemaVersion: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly steps: readonly CommandStep[];
  /** Text, or a reference to a parameter. Default: one hour. */
  readonly timeoutSeconds: string;
  readonly platformTypes: readonly string[];
}

/** A parameter as documents describe it. */
interface DocumentParameter {
  readonly type: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly allowedValues?: readonly string[];
  readonly allowedPattern?: string;
}

/** API reference, "CreateDocument", Content: 64 KB. */
export const MAX_DOCUMENT_BYTES = 65_536;
/** "aws:runShellScript", timeoutSeconds: default 3,600. */
const DEFAULT_TIMEOUT = "3600";
const ALL_PLATFORMS = ["Linux", "MacOS", "Windows"];
/** "Command document plugin reference": where plugins run that do not run everywhere. */
const PLATFORMS: Readonly<Record<string, readonly string[]>> = { "aws:runShellScript": ["Linux", "MacOS"] };

interface Step {
  readonly action?: string;
  readonly name?: string;
  readonly precondition?: { readonly StringEquals?: readonly string[] };
  readonly inputs?: { readonly timeoutSeconds?: unknown };
}

/** Reads a document of schema 2.x in JSON, as Command documents are. Throws what CreateDocument answers to others. */
export function parseDocument(content: string): DocumentVersion {
  if (Buffer.byteLength(content) > MAX_DOCUMENT_BYTES)
    throw ssmFaults.documentSize("The size limit of a document is 64 KB.");
  const document = parseJson(content);
  const schemaVersion = String(document["schemaVersion"]);
  if (!/^2\.\d$/.test(schemaVersion))
    throw ssmFaults.documentSchema(`Schema version ${schemaVersion} is not supported.`);
  const mainSteps = document["mainSteps"];
  if (!Array.isArray(mainSteps) || mainSteps.length === 0)
    throw ssmFaults.documentContent("A document needs mainSteps.");
  const steps = mainSteps.map(toStep);
  return {
    content,
    schemaVersion,
    steps,
    hash: createHash("sha256").update(content).digest("hex"),
    description: String(document["description"] ?? ""),
    parameters: Object(document["parameters"]),
    timeoutSeconds: timeoutOf(mainSteps),
    platformTypes: ALL_PLATFORMS.filter((each) => steps.some(({ platforms }) => platforms.includes(each))),
  };
}

function parseJson(content: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === "object" && value !== null) return Object(value);
  } catch {
    // Reported below, as for a value that is not a document.
  }
  throw ssmFaults.documentContent("JSON not well-formed.");
}

function toStep({ action, name, precondition }: Step): CommandStep {
  if (action === undefined || name === undefined) throw ssmFaults.documentContent("A step needs an action and a name.");
  const [key, platform] = precondition?.StringEquals ?? [];
  const possible = PLATFORMS[action] ?? ALL_PLATFORMS;
  const isBound = key === "platformType" && platform !== undefined;
  return { name, platforms: isBound ? possible.filter((each) => each === platform) : possible };
}

/** Returns the longest timeout of the steps, which is used for all. */
function timeoutOf(steps: readonly Step[]): string {
  return String(
    steps.find(({ inputs }) => inputs?.timeoutSeconds !== undefined)?.inputs?.timeoutSeconds ?? DEFAULT_TIMEOUT,
  );
}

/** Returns its execution timeout with the parameters of a command, in seconds. */
export function executionSecondsOf(
  { timeoutSeconds, parameters }: DocumentVersion,
  given: Readonly<Record<string, readonly string[]>>,
): number {
  const [, name] = /^\{\{\s*(\w+)\s*\}\}$/.exec(timeoutSeconds) ?? [];
  if (name === undefined) return Number(timeoutSeconds);
  return Number(given[name]?.[0] ?? parameters[name]?.default ?? DEFAULT_TIMEOUT);
}

/** A node as Systems Manager knows it. */
export interface SimAgent extends Place {
  readonly instanceId: string;
  /** Not known before. */
  readonly registersAt: number;
  readonly platformType: PlatformType;
  /** Of nodes outside of EC2; an instance has EC2's. */
  readonly tags: Readonly<Record<string, string>>;
  readonly connections: readonly { readonly at: number; readonly ping: PingStatus }[];
}

/** API reference, "InstanceInformation", PlatformType. */
export type PlatformType = "Linux" | "Windows" | "MacOS";

/** API reference, "InstanceInformation", PingStatus, without the deprecated value. */
export type PingStatus = "Online" | "ConnectionLost";

/** Returns whether the agent answers at an instant. */
export function pingOf({ connections }: SimAgent, now: number): PingStatus {
  return connections.findLast(({ at }) => at <= now)?.ping ?? "Online";
}

/** Returns the first instant from then on at which it answers; `Infinity` for never. */
function onlineAt(agent: SimAgent, from: number): number {
  if (pingOf(agent, from) === "Online") return from;
  return agent.connections.find(({ at, ping }) => at > from && ping === "Online")?.at ?? Number.POSITIVE_INFINITY;
}

const of =
  (name: string) =>
  (message = ""): SimFault =>
    new SimFault(name, 400, message);

/** Errors, all of status 400. Source: Systems Manager API reference, the errors of each action and "Common errors". */
export const ssmFaults = {
  ...jsonFaults,
  validation: of("ValidationException"),
  documentExists: of("DocumentAlreadyExists"),
  documentContent: of("InvalidDocumentContent"),
  documentMissing: of("InvalidDocument"),
  documentSchema: of("InvalidDocumentSchemaVersion"),
  documentSize: of("MaxDocumentSizeExceeded"),
  documentVersion: of("InvalidDocumentVersion"),
  duplicateInstance: of("DuplicateInstanceId"),
  commandMissing: of("InvalidCommandId"),
  filterKey: of("InvalidFilterKey"),
  filterValue: of("InvalidInstanceInformationFilterValue"),
  // The words are not in the reference; they are in many public reports of this error.
  instances: (ids: readonly string[], account: string) =>
    new SimFault(
      "InvalidInstanceId",
      400,
      `Instances [[${ids.join(", ")}]] not in a valid state for account ${account}`,
    ),
  invocationMissing: of("InvocationDoesNotExist"),
  outputFolder: of("InvalidOutputFolder"),
  parameters: of("InvalidParameters"),
  platform: of("UnsupportedPlatformType"),
  plugin: of("InvalidPluginName"),
  token: of("InvalidNextToken"),
} satisfies ServiceFaults & Record<string, (...texts: never[]) => SimFault>;

/** Returns the error of a violated constraint, in the words of AWS's own validation. */
export function constraint(field: string, value: unknown, rule: string): SimFault {
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return ssmFaults.validation(
    `1 validation error detected: Value '${shown}' at '${field}' failed to satisfy constraint: ${rule}`,
  );
}

/** What a list's MaxResults may be. */
interface PageLimits {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

/** Returns one page of a list, and the token of the next. */
export function toPage<Row>(rows: readonly Row[], { input }: SimCall, limits: PageLimits) {
  const size = findNumber(input, "MaxResults") ?? limits.usual;
  if (size < limits.min) {
    throw constraint("maxResults", size, `Member must have value greater than or equal to ${limits.min}`);
  }
  if (size > limits.max) {
    throw constraint("maxResults", size, `Member must have value less than or equal to ${limits.max}`);
  }
  const unknown = () => ssmFaults.token("The specified token isn't valid.");
  const page = cutPage(rows, { size, token: findText(input, "NextToken") }, unknown);
  return { rows: page.rows, next: defined({ NextToken: page.next }) };
}
