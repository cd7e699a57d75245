import type { Run, RunState } from "../runs/run.ts";
import { parseReleaseEnd, parseReleaseOperation, parseReleaseReport } from "./parse-release-report.ts";
import type { ReleaseEnd, ReleaseOperation, ReleaseReport } from "./release-report.ts";

/** What releases are replaced, locked and halted by. */
export interface ProjectConfig {
  readonly account: string;
  readonly region: string;
  readonly project: string;
  readonly config: string;
}

/** A release, or what was done about one, as a run of a yard. */
export interface Release extends ProjectConfig {
  readonly runId: string;
  readonly operation: ReleaseOperation;
  /** Empty where nothing is known of one. */
  readonly releaseId: string;
  /** How its run stands. */
  readonly standing: RunState;
  /** A halt was asked for and has not ended. */
  readonly isHalting: boolean;
  /** Of one that has ended; a run that failed without a word of its executor has none. */
  readonly end?: ReleaseEnd;
  /** The code is the executor's, such as `RELEASE_HALTED`. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly message?: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** What its executor has written down; not in lists, and not before its first state. */
  readonly report?: ReleaseReport;
  readonly startedAt: string;
  readonly endedAt?: string;
}

/** The name of the executor whose runs are releases. */
export const RELEASE_EXECUTOR = "asg";

/** A run of the executor `asg` as a release, with the first page of its report where there is one. */
export function toRelease(run: Run, page?: unknown): Release {
  const { runId, state: standing, error, message, outputs, startedAt, endedAt } = run;
  const report = parseReleaseReport(page);
  const asked = readConfig(run.config);
  const end = report?.end ?? parseReleaseEnd(outputs?.["end"]);
  return {
    runId,
    ...asked,
    ...(report && { releaseId: report.releaseId === "" ? asked.releaseId : report.releaseId }),
    standing,
    isHalting: run.cancelling === true,
    ...(end && { end }),
    ...(error && { error }),
    ...(message === undefined ? {} : { message }),
    ...(outputs && { outputs }),
    ...(report && { report }),
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

function readConfig(config: Run["config"]): ProjectConfig & Pick<Release, "operation" | "releaseId"> {
  const { op, release, at } = config;
  const document = isMap(release) ? release : {};
  const where = isMap(at) ? at : {};
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    operation: parseReleaseOperation(op),
    account: text(where["account"] ?? document["aws_account_id"]),
    region: text(where["region"] ?? document["aws_region"]),
    project: text(where["project"] ?? document["project_name"]),
    config: text(where["config"] ?? document["config_name"]),
    releaseId: text(config["releaseId"] ?? document["release_id"]),
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
