import { defined, isMap } from "@stackyard/core";
import type { Job, JobState } from "@stackyard/core/api";

/** The names by which releases are replaced, locked and halted. */
export interface ProjectConfig {
  readonly account: string;
  readonly region: string;
  readonly project: string;
  readonly config: string;
}

/** A release, or what was done about one, as a job of a yard. */
export interface Release extends ProjectConfig {
  readonly jobId: string;
  readonly operation: ReleaseOperation;
  /** Empty when unknown. */
  readonly releaseId: string;
  /** The state of its job. */
  readonly standing: JobState;
  /** True if a halt was requested and has not finished. */
  readonly isHalting: boolean;
  /** The result of an ended release; missing if its job failed without a report of the executor. */
  readonly end?: ReleaseEnd;
  /** The code is the executor's, such as `RELEASE_HALTED`. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly message?: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** The report of its executor; not in lists, and not before its first state. */
  readonly report?: ReleaseReport;
  readonly startedAt: string;
  readonly endedAt?: string;
}

/** The name of the executor that runs releases. */
export const RELEASE_EXECUTOR = "asg";

/** Converts a job of the executor `asg` to a release, with the first page of its report if it has one. */
export function toRelease(job: Job, page?: unknown): Release {
  const { jobId, state: standing, error, message, outputs, startedAt, endedAt } = job;
  const report = parseReleaseReport(page);
  const asked = readConfig(job.config);
  const end = report?.end ?? parseReleaseEnd(outputs?.["end"]);
  return {
    jobId,
    ...asked,
    ...(report && { releaseId: report.releaseId === "" ? asked.releaseId : report.releaseId }),
    standing,
    isHalting: job.cancelling === true,
    ...(end && { end }),
    ...(error && { error }),
    ...defined({ message }),
    ...(outputs && { outputs }),
    ...(report && { report }),
    startedAt,
    ...defined({ endedAt }),
  };
}

function readConfig(config: Job["config"]): ProjectConfig & Pick<Release, "operation" | "releaseId"> {
  const { op, release, at } = config;
  const document = isMap(release) ? release : {};
  const where = isMap(at) ? at : {};
  return {
    operation: parseReleaseOperation(op),
    account: toText(where["account"] ?? document["aws_account_id"]),
    region: toText(where["region"] ?? document["aws_region"]),
    project: toText(where["project"] ?? document["project_name"]),
    config: toText(where["config"] ?? document["config_name"]),
    releaseId: toText(config["releaseId"] ?? document["release_id"]),
  };
}

/** The end of a release. `FailureDirty`: it has left something behind, and its lock. */
export type ReleaseEnd = "Success" | "FailureClean" | "FailureDirty";

/** The operation of a job of the executor `asg`. */
export type ReleaseOperation = "deploy" | "rollback" | "repair" | "retire" | "lock" | "unlock";

/** Counts of one service, as of the last look at it. */
export interface ServiceReport {
  readonly healthy: number;
  readonly unhealthy: number;
  readonly terminating: number;
  /** All instances of its group, in any state. */
  readonly launching: number;
  /** Number of healthy instances that is sufficient. */
  readonly targetHealthy: number;
  /** Maximum number of instances to run until the release is done. */
  readonly targetLaunched: number;
  /** The name of its Auto Scaling group. */
  readonly group?: string;
  readonly isHealthy: boolean;
  /** Why instances did not come or went, in words. */
  readonly causes: readonly string[];
}

/** A fault during a release: the predecessor's class, such as `HaltError`, and the text. */
export interface ReleaseFault {
  readonly class: string;
  readonly message: string;
}

/** The progress of a release, which its executor writes after each state. */
export interface ReleaseReport {
  readonly operation: ReleaseOperation;
  readonly releaseId: string;
  readonly account: string;
  readonly region: string;
  readonly project: string;
  readonly config: string;
  /** The current state, such as `CheckHealthy`. */
  readonly state: string;
  /** Since when, in epoch milliseconds. */
  readonly since: number;
  /** When the timeout began to count, in epoch milliseconds. */
  readonly startedAt?: number;
  readonly timeoutSeconds: number;
  /** The states that were entered, in order; the newest 200. */
  readonly path: readonly { readonly state: string; readonly at: number }[];
  readonly services: Readonly<Record<string, ServiceReport>>;
  /** The newest 50 lines of progress. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** The first one: it decided the end. */
  readonly error?: ReleaseFault;
  readonly laterErrors: readonly ReleaseFault[];
  readonly end?: ReleaseEnd;
}

/**
 * Parses the report of a release from a page of any version of the executor. Fills in missing fields and drops fields
 * of other types; returns undefined for other pages.
 */
export function parseReleaseReport(page: unknown): ReleaseReport | undefined {
  if (!isMap(page) || typeof page["releaseId"] !== "string" || typeof page["state"] !== "string") return undefined;
  const { startedAt, error } = page;
  const fault = parseFault(error);
  const end = parseReleaseEnd(page["end"]);
  return {
    operation: parseReleaseOperation(page["operation"]),
    releaseId: page["releaseId"],
    account: toText(page["account"]),
    region: toText(page["region"]),
    project: toText(page["project"]),
    config: toText(page["config"]),
    state: page["state"],
    since: toCount(page["since"]),
    ...(isCount(startedAt) ? { startedAt } : {}),
    timeoutSeconds: toCount(page["timeoutSeconds"]),
    path: toList(page["path"]).flatMap((step) =>
      typeof step["state"] === "string" ? [{ state: step["state"], at: toCount(step["at"]) }] : [],
    ),
    services: parseServices(page["services"]),
    lines: toList(page["lines"]).flatMap((line) =>
      typeof line["text"] === "string" ? [{ text: line["text"], at: toCount(line["at"]) }] : [],
    ),
    ...(fault && { error: fault }),
    laterErrors: toList(page["laterErrors"]).flatMap((later) => parseFault(later) ?? []),
    ...(end && { end }),
  };
}

const OPERATIONS: readonly ReleaseOperation[] = ["deploy", "rollback", "repair", "retire", "lock", "unlock"];
const ENDS: readonly ReleaseEnd[] = ["Success", "FailureClean", "FailureDirty"];

/** Parses the operation of a job; `deploy` by default. */
function parseReleaseOperation(value: unknown): ReleaseOperation {
  return OPERATIONS.find((each) => each === value) ?? "deploy";
}

/** Parses the result of a release; undefined when it has not ended. */
function parseReleaseEnd(value: unknown): ReleaseEnd | undefined {
  return ENDS.find((end) => end === value);
}

function parseServices(value: unknown): Readonly<Record<string, ServiceReport>> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, service]) => (isMap(service) ? [[name, parseService(service)]] : [])),
  );
}

function parseService(service: Readonly<Record<string, unknown>>): ServiceReport {
  const { group, causes } = service;
  return {
    healthy: toCount(service["healthy"]),
    unhealthy: toCount(service["unhealthy"]),
    terminating: toCount(service["terminating"]),
    launching: toCount(service["launching"]),
    targetHealthy: toCount(service["targetHealthy"]),
    targetLaunched: toCount(service["targetLaunched"]),
    ...(typeof group === "string" ? { group } : {}),
    isHealthy: service["isHealthy"] === true,
    causes: Array.isArray(causes) ? causes.filter((cause) => typeof cause === "string") : [],
  };
}

function parseFault(value: unknown): ReleaseFault | undefined {
  if (!isMap(value) || typeof value["class"] !== "string") return undefined;
  return { class: value["class"], message: toText(value["message"]) };
}

function toList(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toCount(value: unknown): number {
  return isCount(value) ? value : 0;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
