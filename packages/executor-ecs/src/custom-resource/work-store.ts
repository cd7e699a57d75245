import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { Tag } from "@aws-sdk/client-ecs";
import { type CustomResourceRequest, cutReason, isWithinLimit, toReason } from "@stackyard/aws/custom-resource";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import type { TaskRun } from "../task-run.ts";

/** Work that only this process may continue, until it is released or the lease expires. */
export interface ClaimedWork {
  readonly work: TaskWork;
  /** Notes progress. Throws `RECORD_CONFLICT` when another process has claimed the work meanwhile. */
  save(changes: Partial<WorkProgress>): Promise<TaskWork>;
  /** Releases the lease. */
  release(): Promise<void>;
}

/** The result of a claim; `none`: the request is unknown, or older than two hours. */
type ClaimResult =
  | { readonly kind: "claimed"; readonly claimed: ClaimedWork }
  | { readonly kind: "held"; readonly work: TaskWork; readonly until: number }
  | { readonly kind: "none" };

/** The storage of requests. */
export interface WorkStore {
  /** Returns true for a new request. Does not change a known one. */
  add(request: CustomResourceRequest): Promise<boolean>;
  claim(requestId: string, owner: string, ttlMs: number): Promise<ClaimResult>;
}

/** The address of an answer is good for an hour or so, and no request is worked for longer. */
const KEPT_MS = 2 * 3_600_000;
const PREFIX = "ecs-task/request/";

interface StoredWork extends WorkProgress {
  /** The encrypted request: it contains the address of the response, and overrides may contain secrets. */
  readonly sealed: string;
  readonly receivedAt: number;
  readonly claim?: { readonly owner: string; readonly until: number } | undefined;
}

/** The dependencies of a store. */
interface WorkStoreDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly cipher: TextCipher;
}

/** Requests and how far they are, as records under `ecs-task/request/` that expire after two hours. */
export function createWorkStore(deps: WorkStoreDeps): WorkStore {
  const { records, clock, cipher } = deps;
  return {
    async add(request) {
      const key = toKey(request.RequestId);
      const { request: _, ...progress } = toNewWork(request, clock.now());
      const value: StoredWork = { ...progress, sealed: cipher.seal(JSON.stringify(request), key) };
      const expiresAt = clock.now() + KEPT_MS;
      const result = await records.put({ key, value, expected: "absent", expiresAt, now: clock.now() });
      return result.kind === "written";
    },
    claim: (requestId, owner, ttlMs) => claimWork(deps, toKey(requestId), { owner, ttlMs }),
  };
}

async function claimWork(
  deps: WorkStoreDeps,
  key: string,
  { owner, ttlMs }: { readonly owner: string; readonly ttlMs: number },
): Promise<ClaimResult> {
  const { records, clock } = deps;
  for (;;) {
    const record = await records.get(key, clock.now());
    if (record === undefined) return { kind: "none" };
    // Written by this very file.
    const stored = record.value as StoredWork;
    const { claim } = stored;
    if (claim !== undefined && claim.owner !== owner && claim.until > clock.now()) {
      return { kind: "held", work: toWork(deps, key, stored), until: claim.until };
    }
    const value = { ...stored, claim: { owner, until: clock.now() + ttlMs } };
    const written = await records.put({ key, value, expected: record.version, ...toTimes(clock, value) });
    if (written.kind === "written") {
      return { kind: "claimed", claimed: toClaimed(deps, value, written.record) };
    }
  }
}

function toClaimed(
  deps: WorkStoreDeps,
  first: StoredWork,
  { key, version: firstVersion }: { readonly key: string; readonly version: number },
): ClaimedWork {
  const { records, clock } = deps;
  let [stored, version] = [first, firstVersion];
  let work = toWork(deps, key, first);

  async function write(value: StoredWork): Promise<void> {
    const result = await records.put({ key, value, expected: version, ...toTimes(clock, value) });
    if (result.kind === "conflict") {
      throw new StackyardError("RECORD_CONFLICT", "Another invocation is working on this request.");
    }
    [stored, version] = [value, result.record.version];
  }

  return {
    get work() {
      return work;
    },
    async save(changes) {
      await write({ ...stored, ...changes });
      work = { ...work, ...changes };
      return work;
    },
    async release() {
      await write({ ...stored, claim: undefined });
    },
  };
}

function toWork({ cipher }: WorkStoreDeps, key: string, { sealed, claim: _, ...progress }: StoredWork): TaskWork {
  return { ...progress, request: JSON.parse(cipher.open(sealed, key)) as CustomResourceRequest };
}

function toTimes(clock: Clock, { receivedAt }: StoredWork) {
  return { expiresAt: receivedAt + KEPT_MS, now: clock.now() };
}

function toKey(requestId: string): string {
  return PREFIX + toExecutionName(requestId);
}

/**
 * How far the work for a request is: `decide` what to do, wait for `health` of a target group, `start` tasks, `wait` for
 * them, `end` them after a failure, `stop` them for a Delete, send the `answer`; `done`: CloudFormation has it.
 */
export type WorkPhase = "decide" | "health" | "start" | "wait" | "end" | "stop" | "answer" | "done";

/** What changes while a request is worked; instants are epoch milliseconds. */
export interface WorkProgress extends TaskRun {
  readonly phase: WorkPhase;
  /** True if an execution continues the work when this process ends. */
  readonly handedOver: boolean;
  /** The first try. */
  readonly placingSince?: number | undefined;
  /** With its revision. */
  readonly taskDefinitionArn?: string | undefined;
  /** The stop of a Delete is waited for until then. */
  readonly until?: number | undefined;
  /** AWS has not served our calls since. */
  readonly troubledSince?: number | undefined;
  /** The response, identical for each retry. */
  readonly response?: CustomResourceResponse | undefined;
}

/** The work for one request of CloudFormation. */
export interface TaskWork extends WorkProgress {
  readonly request: CustomResourceRequest;
  readonly receivedAt: number;
}

/** Creates the work of a request that was just received. */
export function toNewWork(request: CustomResourceRequest, receivedAt: number): TaskWork {
  return { request, receivedAt, phase: "decide", handedOver: false, attempt: 1, taskArns: [] };
}

/** Hides texts in records. */
interface TextCipher {
  /** Encrypts a text. `context` identifies its owner, and decrypting requires the same. */
  seal(text: string, context: string): string;
  /** Throws for what was changed, or sealed under another key or context. */
  open(sealed: string, context: string): string;
}

const ALGORITHM = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Creates a cipher: AES-256-GCM with a key derived from a long random text, such as a generated secret. */
export function createTextCipher(secret: string): TextCipher {
  const key = createHash("sha256").update(secret).digest();
  return {
    seal(text, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
      const hidden = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), hidden]).toString("base64");
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, "base64");
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    },
  };
}

type Subject = Pick<CustomResourceRequest, "StackId" | "LogicalResourceId">;

/**
 * Returns the `startedBy` of a resource's tasks, also its physical id: 32 hex digits, computed as in all versions, so
 * that running tasks of older deployments are found. It is an identifier and not a secret.
 */
export function toResourceId({ StackId, LogicalResourceId }: Subject): string {
  return createHash("md5").update(StackId).update(LogicalResourceId).digest("hex");
}

/**
 * Returns the client token of one try of RunTask, 64 characters: ECS returns the same tasks for the same token (RunTask
 * API, `clientToken`). Later tries of one request have other tokens, because they request only the missing tasks.
 * Attempts begin with 1.
 */
export function toClientToken(requestId: string, attempt: number): string {
  return createHash("sha256").update(`${requestId}${attempt}`).digest("hex");
}

/**
 * Returns the name of a request's execution (Step Functions API, StartExecution, `name`: 80 characters of few kinds),
 * also used in keys. CloudFormation's ids fit unchanged.
 */
export function toExecutionName(requestId: string): string {
  if (/^[A-Za-z0-9_-]{1,80}$/.test(requestId)) return requestId;
  return createHash("sha256").update(requestId).digest("hex");
}

/** Names of the tags that each task has. */
export const TASK_TAGS = {
  stack: "stackyard:stack",
  logicalId: "stackyard:logical-id",
  request: "stackyard:request",
  /** Only if tasks' ARNs are physical ids: the ARN in the response of the task's run. */
  physicalId: "stackyard:physical-id",
} as const;

/** Returns the tags of tasks that a request starts. */
export function toTaskTags(request: Subject & Pick<CustomResourceRequest, "RequestId">): Tag[] {
  return [
    { key: TASK_TAGS.stack, value: toTagValue(request.StackId) },
    { key: TASK_TAGS.logicalId, value: toTagValue(request.LogicalResourceId) },
    { key: TASK_TAGS.request, value: toTagValue(request.RequestId) },
  ];
}

/**
 * Replaces invalid characters. ECS API, Tag: up to 256 characters, letters, digits, white space and `+ - = . _ : / @`.
 */
function toTagValue(text: string): string {
  return text.replace(/[^\p{L}\p{N}\s+\-=._:/@]/gu, "_").slice(0, 256);
}

/**
 * Returns the physical id of a response. Create returns the resource's own, later requests the one they contain, so
 * that no update is a replacement. With tasks' ARNs as ids, a run returns its first one; a failed update keeps the old
 * one, because CloudFormation rolls back to it.
 */
export function toPhysicalId(
  { request, taskArns }: Pick<TaskWork, "request" | "taskArns">,
  { id, mode, status }: { readonly id: string; readonly mode: "id" | "taskArn"; readonly status: "SUCCESS" | "FAILED" },
): string {
  const { RequestType, PhysicalResourceId } = request;
  const brought = RequestType === "Create" ? undefined : PhysicalResourceId;
  const isRun = RequestType === "Create" || (RequestType === "Update" && status === "SUCCESS");
  return (mode === "taskArn" && isRun ? taskArns[0] : undefined) ?? brought ?? id;
}

/** The attributes for `Fn::GetAtt`: always all names, always text, so that a template never breaks. */
export interface ResponseData {
  /** `true` or `false`. */
  readonly Ran: string;
  /** `RUN`, or why nothing was run; empty if it was not decided. */
  readonly Why: string;
  /** The first task's ARN, or empty. */
  readonly TaskArn: string;
  /** Separated by commas. */
  readonly TaskArns: string;
  /** As resolved, with its revision. */
  readonly TaskDefinitionArn: string;
  readonly Count: string;
  /** Exit code of the first failed container, else 0; empty if the work did not wait. */
  readonly ExitCode: string;
  readonly StartedBy: string;
}

/** How a request ended. */
export interface ResourceOutcome {
  readonly status: "SUCCESS" | "FAILED";
  /** `ECS_EXIT_CODE`; on success why: `RUN`, `COUNT_ZERO`, `DELETE`. */
  readonly code: string;
  readonly text: string;
  readonly physicalResourceId: string;
  readonly data?: Partial<ResponseData> | undefined;
}

/** The answer to CloudFormation (user guide, "Custom resource response objects"). */
export interface CustomResourceResponse {
  readonly Status: "SUCCESS" | "FAILED";
  readonly Reason: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly NoEcho: false;
  readonly Data: ResponseData;
}

const MIN_REASON = 200;
const NO_DATA: ResponseData = {
  Ran: "false",
  Why: "",
  TaskArn: "",
  TaskArns: "",
  TaskDefinitionArn: "",
  Count: "0",
  ExitCode: "",
  StartedBy: "",
};

/**
 * Returns the response in at most 4,096 bytes of JSON: first cuts the reason, to at least 200 characters, then the list
 * of ARNs, then the rest of both.
 */
export function toResponse(
  request: Pick<CustomResourceRequest, "StackId" | "RequestId" | "LogicalResourceId">,
  { status, code, text, physicalResourceId, data = {} }: ResourceOutcome,
): CustomResourceResponse {
  const { StackId, RequestId, LogicalResourceId } = request;
  const whole: CustomResourceResponse = {
    Status: status,
    Reason: toReason(`${code}: ${text}`, status),
    PhysicalResourceId: physicalResourceId,
    StackId,
    RequestId,
    LogicalResourceId,
    NoEcho: false,
    Data: toData(data),
  };
  // A response within the limit is not cut.
  return cutReason(cutArns(cutReason(whole, MIN_REASON)), 1);
}

function toData(data: Partial<ResponseData>): ResponseData {
  const given = Object.keys(NO_DATA).map((key) => [key, data[key as keyof ResponseData]] as const);
  const texts = given.filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)]);
  return { ...NO_DATA, ...Object.fromEntries(texts) };
}

/** Removes ARNs from the end of the list until the response fits. */
function cutArns(response: CustomResourceResponse): CustomResourceResponse {
  const arns = response.Data.TaskArns.split(",");
  let cut = response;
  while (arns.length > 0 && !isWithinLimit(cut)) {
    arns.pop();
    cut = { ...response, Data: { ...response.Data, TaskArns: arns.join(",") } };
  }
  return cut;
}
