import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import {
  DescribeExecutionCommand,
  type ExecutionListItem,
  ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  paginateListExecutions,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { callAws, lookUntilComplete, toAnswer, toAwsError } from "@stackyard/aws";
import { type Clock, defined, isMap, isStackyardError, parseJson, StackyardError } from "@stackyard/core";
import {
  type ProjectConfig,
  parseReleaseReport,
  type Release,
  type ReleaseEnd,
  type ReleaseFault,
  type ReleaseReport,
} from "@stackyard/sdk/releases";
import { createBucketMemory } from "../deploy/bucket-memory.ts";
import { createS3LockFiles } from "../locks/lock-stores.ts";
import { lockByUser, removeRootLock, unlockByUser } from "../locks/user-locks.ts";
import { toExecutionName, toExecutionPrefix, toLetters, toReleaseId } from "../plan/names.ts";
import { toReleasePaths } from "../plan/release-paths.ts";
import { RELEASE_FAILURES } from "../release-errors.ts";
import { readErrors } from "../releases/releases.ts";
import {
  type CareAnswer,
  type DeployOrder,
  formatUnlocked,
  type PlaceFilter,
  type PlaceOptions,
  type ReleasePlace,
  toReleaseKey,
} from "./release-place.ts";

/** Options of a deployer under Step Functions, of either generation. */
export interface DeployerPlaceOptions extends PlaceOptions, ExecutionsInput {
  readonly sfn: SFNClient;
  readonly s3: S3Client;
  /** Bucket of the releases, unless the document names another. */
  readonly bucket: string;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Creates a place whose releases are executions of a state machine, with documents and locks in its bucket. */
export function createDeployerPlace(options: DeployerPlaceOptions): ReleasePlace {
  const { machineArn } = options;
  /** Executions that have been seen or started here. */
  const known = new Set<string>();
  return {
    name: `the deployer ${machineArn.split(":").at(-1)}`,
    async get(id) {
      const release = await (known.has(id) ? loadKnown : loadExecution)(options, id, { history: true });
      known.add(id);
      return release;
    },
    findRunning: (at) => findFirst(options, at, { status: ExecutionStatus.RUNNING }),
    async deploy(order) {
      const release = await deploy(options, order);
      known.add(release.jobId);
      return release;
    },
    halt: (release, order) => halt(options, release, order),
    list: (filter) => list(options, filter),
    rollback: ({ at, releaseId }) => rollback(options, at, releaseId),
    async repair() {
      const hint = "Use a yard: remove --deployer.";
      throw new StackyardError("USAGE", `A deployer under Step Functions cannot repair. ${hint}`);
    },
    async lock({ at, reason, by }) {
      const lock = { user: by, reason };
      const found = await lockByUser(toLockDeps(options), toKey(at), lock);
      const isDone = found === lock;
      const message = isDone ? "Locked." : `Already locked by ${found.user}: ${found.reason}`;
      return { isDone, message, facts: { ...at, user: found.user, reason: found.reason } };
    },
    unlock: ({ at, root }) => unlock(options, at, root),
  };
}

async function deploy(options: DeployerPlaceOptions, { document, userData }: DeployOrder): Promise<Release> {
  const { sfn, machineArn, clock, random, signal } = options;
  const key = toReleaseKey(document);
  const stored = { document, ...defined({ userData }) };
  await toMemory(options, document["bucket"]).storeDocument(key, stored);
  const now = clock.now();
  const name = toExecutionName(key, now, toLetters(random));
  const input = JSON.stringify(document);
  const command = new StartExecutionCommand({ stateMachineArn: machineArn, name, input });
  const policy = { what: `The execution "${name}" cannot be started.` };
  const started = await callAws(() => sfn.send(command, { abortSignal: signal }), policy);
  const { startDate: startedAt = new Date(now) } = started;
  // It runs, whether it can be described by now or not.
  return readExecution({ name, status: ExecutionStatus.RUNNING, input, startedAt, ...toHome(machineArn) });
}

/** Writes the predecessor's halt file for its deployer, and a halt request for this release for Stackyard's. */
async function halt(
  options: DeployerPlaceOptions,
  release: Release,
  { message, by }: { readonly message: string; readonly by: string },
): Promise<void> {
  const { s3, constants, signal } = options;
  const { Bucket, memory } = await openBucketOf(options, release);
  const key = { ...toKey(release), release_id: release.releaseId };
  const { halt: path } = toReleasePaths(key, constants.generation);
  const put = new PutObjectCommand({ Bucket, Key: path, Body: message });
  const policy = { what: `The halt file s3://${Bucket}/${path} cannot be written.` };
  await callAws(() => s3.send(put, { abortSignal: signal }), policy);
  await memory.orderHalt(key, { message, by });
}

interface Wanted {
  readonly status: ExecutionStatus;
  readonly not?: string;
}

/** Finds the first matching execution by its input, because names of executions are ambiguous. */
async function findFirst(
  options: DeployerPlaceOptions,
  at: ProjectConfig,
  { status, not }: Wanted,
): Promise<Release | undefined> {
  const prefix = toExecutionPrefix({ project_name: at.project, config_name: at.config });
  for await (const { name = "" } of listExecutions(options, status)) {
    if (!name.startsWith(prefix)) continue;
    // An execution that only waits for its rollback window does not block others.
    const release = await loadKnown(options, name, { history: true });
    const runs = status !== ExecutionStatus.RUNNING || release.endedAt === undefined;
    if (runs && isAt(release, at) && release.releaseId !== not) return release;
  }
  return undefined;
}

function isAt(release: Release, at: Partial<ProjectConfig>): boolean {
  const keys = ["account", "region", "project", "config"] as const;
  return keys.every((key) => at[key] === undefined || at[key] === release[key]);
}

async function list(options: DeployerPlaceOptions, filter: PlaceFilter): Promise<readonly Release[]> {
  const { at = {}, since = 0, failed = false, limit } = filter;
  const found: Release[] = [];
  for await (const { name = "", startDate } of listExecutions(options, failed ? ExecutionStatus.FAILED : undefined)) {
    // Executions are sorted by their start.
    if (found.length === limit || (startDate?.getTime() ?? 0) <= since) break;
    const release = await loadKnown(options, name, { history: failed });
    if (isAt(release, at)) found.push(release);
  }
  return found;
}

/** Deploys the previous document again, because a deployer keeps no groups. */
async function rollback(options: DeployerPlaceOptions, at: ProjectConfig, leave?: string): Promise<Release> {
  const left = leave ?? (await findFirst(options, at, { status: ExecutionStatus.SUCCEEDED }))?.releaseId;
  const before = left && (await findFirst(options, at, { status: ExecutionStatus.SUCCEEDED, not: left }));
  if (!before) {
    throw new StackyardError("NOT_FOUND", `No release of ${at.project} ${at.config} precedes the running one.`);
  }
  const key = { ...toKey(at), release_id: before.releaseId };
  const { Bucket, memory } = await openBucketOf(options, before);
  const [document, userData] = await Promise.all([memory.loadDocument(key), memory.loadUserData(key)]);
  if (typeof document !== "object" || document === null) {
    throw new StackyardError("NOT_FOUND", `The document of ${before.releaseId} is not in s3://${Bucket}.`);
  }
  const now = options.clock.now();
  const fresh = { release_id: toReleaseId(now, toLetters(options.random)), created_at: new Date(now).toISOString() };
  return deploy(options, { document: { ...document, ...fresh }, ...defined({ userData }) });
}

async function unlock(options: DeployerPlaceOptions, at: ProjectConfig, root: boolean): Promise<CareAnswer> {
  const found = await unlockByUser(toLockDeps(options), toKey(at));
  const hadRoot = root && (await removeRootLock(toLockDeps(options), toKey(at)));
  return formatUnlocked({ lock: found, ...(root ? { root: hadRoot } : {}), facts: { ...at } });
}

function toLockDeps({ s3: client, bucket, constants: { generation } }: DeployerPlaceOptions) {
  return { files: createS3LockFiles({ client, bucket }), generation };
}

/** Returns the location of a release, as named by its document. */
async function openBucketOf(options: DeployerPlaceOptions, { jobId }: Pick<Release, "jobId">) {
  const { bucket } = await loadDocument(options, jobId);
  const Bucket = typeof bucket === "string" && bucket !== "" ? bucket : options.bucket;
  return { Bucket, memory: toMemory(options, Bucket) };
}

function toMemory({ s3, bucket, clock, constants, by }: DeployerPlaceOptions, named?: unknown) {
  const place = typeof named === "string" && named !== "" ? named : bucket;
  return createBucketMemory({ s3, bucket: place, clock, generation: constants.generation, by });
}

function toKey({ account, project, config }: Omit<ProjectConfig, "region">) {
  return { aws_account_id: account, project_name: project, config_name: config };
}

/** Description of an execution by Step Functions. */
export interface ExecutionFacts {
  readonly name: string;
  /** `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`. */
  readonly status: string;
  readonly input?: string;
  readonly error?: string;
  readonly startedAt: Date;
  readonly endedAt?: Date;
  /** The deployer's account and region, for documents without them. */
  readonly account: string;
  readonly region: string;
  /** Newest first. Missing if it was not loaded. */
  readonly events?: readonly HistoryEvent[];
}

type Json = Readonly<Record<string, unknown>>;

/** Converts an execution of either generation's state machine to a release. The input is untrusted JSON. */
export function readExecution(given: ExecutionFacts): Release {
  const facts = endAtRetirement(given);
  const { name, status, startedAt, endedAt, events } = facts;
  const state = findState(facts);
  const place = {
    account: textOf(state["aws_account_id"], facts.account),
    region: textOf(state["aws_region"], facts.region),
    project: textOf(state["project_name"]),
    config: textOf(state["config_name"]),
  };
  const end = findEnd(facts);
  const errors = readErrors(state);
  const fault = parseFault(errors.error);
  const laterErrors = errors.later_errors?.flatMap((each) => parseFault(each) ?? []) ?? [];
  return {
    jobId: name,
    operation: "deploy",
    releaseId: textOf(state["release_id"]),
    ...place,
    standing: STANDINGS[status] ?? "failed",
    isHalting: false,
    ...(end && { end }),
    ...(fault && end !== "Success" ? { error: { code: toCode(fault), message: fault.message } } : {}),
    ...defined({ report: events && toReport(events, state, { ...place, end, error: fault, laterErrors }) }),
    startedAt: startedAt.toISOString(),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
  };
}

/** Traffic has moved and the locks are released; the execution only waits with the kept groups. */
const RETIREMENT: ReadonlySet<string> = new Set(["WaitForRetire", "RetireKept"]);

function endAtRetirement(facts: ExecutionFacts): ExecutionFacts {
  const names = facts.events?.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []) ?? [];
  if (facts.status !== "RUNNING" || !RETIREMENT.has(names[0] ?? "")) return facts;
  const first = facts.events?.findLast(({ stateEnteredEventDetails: entered }) => entered?.name === "WaitForRetire");
  return { ...facts, status: "SUCCEEDED", endedAt: first?.timestamp ?? facts.startedAt };
}

const STANDINGS: Readonly<Record<string, Release["standing"]>> = { RUNNING: "running", SUCCEEDED: "succeeded" };

function findEnd({ status, error }: ExecutionFacts): ReleaseEnd | undefined {
  if (status === "RUNNING") return undefined;
  if (status === "SUCCEEDED") return "Success";
  // A stopped execution, or one that hit a service limit, has not cleaned up.
  return error === "FailureClean" ? "FailureClean" : "FailureDirty";
}

/** Returns the newest release in the history, or the input of the execution. */
function findState({ input, events = [] }: ExecutionFacts): Json {
  for (const { stateExitedEventDetails, stateEnteredEventDetails } of events) {
    const state = mapOf(parseJson(stateExitedEventDetails?.output ?? stateEnteredEventDetails?.input ?? ""));
    if (state["release_id"] !== undefined) return state;
  }
  return mapOf(parseJson(input ?? ""));
}

function toReport(
  events: readonly HistoryEvent[],
  state: Json,
  more: Pick<ReleaseReport, "account" | "region" | "project" | "config" | "laterErrors"> & {
    readonly end: ReleaseEnd | undefined;
    readonly error: ReleaseFault | undefined;
  },
): ReleaseReport | undefined {
  const path = events
    .flatMap(({ stateEnteredEventDetails, timestamp }) => {
      const { name } = stateEnteredEventDetails ?? {};
      return name === undefined ? [] : [{ state: name, at: timestamp?.getTime() ?? 0 }];
    })
    .toReversed();
  const last = path.at(-1);
  const services = Object.entries(mapOf(state["services"])).map(([name, service]) => [name, toService(mapOf(service))]);
  return parseReleaseReport({
    ...more,
    operation: "deploy",
    releaseId: textOf(state["release_id"]),
    state: last?.state ?? "",
    since: last?.at,
    path: path.slice(-200),
    startedAt: Date.parse(textOf(state["started_at"], textOf(state["created_at"]))),
    timeoutSeconds: state["timeout"] ?? 600,
    services: Object.fromEntries(services),
  });
}

/** Converts a service as in a report of the yard, but unchecked. */
function toService(service: Json): Json {
  const report = mapOf(service["healthy_report"]);
  const count = (key: string) => Number(report[key]) || 0;
  return {
    healthy: report["healthy"],
    launching: report["launching"],
    terminating: report["terminating"],
    unhealthy: Math.max(0, count("launching") - count("healthy") - count("terminating")),
    targetHealthy: report["target_healthy"],
    targetLaunched: report["target_launched"],
    group: service["created_asg"] || undefined,
    isHealthy: service["Healthy"],
    causes: service["causes"],
  };
}

/** Parses a fault. The cause of a Lambda function is JSON; its `errorMessage` is the text. */
function parseFault(value: unknown): ReleaseFault | undefined {
  const { Error: name, Cause: cause } = mapOf(value);
  if (typeof name !== "string") return undefined;
  return { class: name, message: textOf(mapOf(parseJson(textOf(cause)))["errorMessage"], textOf(cause)) };
}

function toCode({ class: name, message }: ReleaseFault): string {
  if (name === "HaltError" && message.startsWith("Timeout")) return "RELEASE_TIMED_OUT";
  const known = Object.entries(RELEASE_FAILURES).find(([, errorClass]) => errorClass === name);
  return known?.[0] ?? name;
}

function mapOf(value: unknown): Json {
  return isMap(value) ? value : {};
}

function textOf(value: unknown, otherwise = ""): string {
  return typeof value === "string" ? value : otherwise;
}

/** State machine, and its client. */
export interface ExecutionsInput {
  readonly sfn: SFNClient;
  /** ARN of the state machine. */
  readonly machineArn: string;
  readonly signal: AbortSignal;
}

/** Yields the executions of a state machine, newest first. */
export async function* listExecutions(
  { sfn, machineArn, signal }: ExecutionsInput,
  status?: ExecutionStatus,
): AsyncGenerator<ExecutionListItem, void> {
  const request = { stateMachineArn: machineArn, maxResults: 1_000, ...(status && { statusFilter: status }) };
  try {
    // Load page by page, so that the caller can stop early.
    for await (const page of paginateListExecutions({ client: sfn }, request, { abortSignal: signal })) {
      yield* page.executions ?? [];
    }
  } catch (error) {
    throw toAwsError(error, `The executions of ${machineArn} cannot be listed.`);
  }
}

/** Loads an execution as a release; if requested, with its newest thousand events. Throws `NOT_FOUND`. */
export async function loadExecution(
  input: ExecutionsInput,
  name: string,
  { history }: { readonly history: boolean },
): Promise<Release> {
  const { sfn, machineArn, signal } = input;
  const executionArn = `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;
  try {
    const found = await sfn.send(new DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
    const events = history ? await loadEvents(input, executionArn) : undefined;
    const { status = "RUNNING", startDate = new Date(0), stopDate, error } = found;
    return readExecution({
      name,
      status,
      startedAt: startDate,
      ...toHome(machineArn),
      ...defined({ input: found.input }),
      ...(stopDate && { endedAt: stopDate }),
      ...defined({ error }),
      ...(events && { events }),
    });
  } catch (error) {
    if (toAnswer(error) === "gone") {
      throw new StackyardError("NOT_FOUND", `Execution "${name}" of ${machineArn} does not exist.`, { cause: error });
    }
    throw toAwsError(error, `The execution "${name}" cannot be read.`);
  }
}

/** Loads an execution that has been seen before: "This operation is eventually consistent" (API reference). */
async function loadKnown(
  options: DeployerPlaceOptions,
  name: string,
  more: { readonly history: boolean },
): Promise<Release> {
  const look = () =>
    loadExecution(options, name, more).catch((error: unknown) => {
      if (isStackyardError(error, "NOT_FOUND")) return error;
      throw error;
    });
  const found = await lookUntilComplete(options, look, (answer) => !(answer instanceof Error));
  if (found instanceof Error) throw found;
  return found;
}

function toHome(machineArn: string): Pick<ExecutionFacts, "account" | "region"> {
  const [, , , region = "", account = ""] = machineArn.split(":");
  return { account, region };
}

/** Returns the input of an execution; empty if it is not an object. */
export async function loadDocument(
  { sfn, machineArn, signal }: ExecutionsInput,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  const executionArn = `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;
  return callAws(
    async () => {
      const { input = "" } = await sfn.send(new DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
      return { ...Object(JSON.parse(input)) };
    },
    { what: `Cannot read the input of execution "${name}".` },
  );
}

const EVENTS = 1_000;

async function loadEvents({ sfn, signal }: ExecutionsInput, executionArn: string): Promise<readonly HistoryEvent[]> {
  const request = { executionArn, reverseOrder: true, maxResults: EVENTS };
  const { events = [] } = await sfn.send(new GetExecutionHistoryCommand(request), { abortSignal: signal });
  return events;
}
