import type { HistoryEvent } from "@aws-sdk/client-sfn";
import type { Release, ReleaseEnd, ReleaseFault, ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";
import { RELEASE_FAILURES } from "../release-error.ts";
import { readErrors } from "../releases/wire.ts";

/** What Step Functions says of an execution. */
export interface ExecutionFacts {
  readonly name: string;
  /** `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`. */
  readonly status: string;
  readonly input?: string;
  readonly error?: string;
  readonly startedAt: Date;
  readonly endedAt?: Date;
  /** Of the deployer: for documents that do not say. */
  readonly account: string;
  readonly region: string;
  /** The newest first; absent: not asked for. */
  readonly events?: readonly HistoryEvent[];
}

type Json = Readonly<Record<string, unknown>>;

/** An execution of either generation's state machine as a release. What it holds comes from outside: any JSON will do. */
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
    runId: name,
    operation: "deploy",
    releaseId: textOf(state["release_id"]),
    ...place,
    standing: STANDINGS[status] ?? "failed",
    isHalting: false,
    ...(end && { end }),
    ...(fault && end !== "Success" ? { error: { code: toCode(fault), message: fault.message } } : {}),
    ...(events && { report: toReport(events, state, { ...place, end, fault, laterErrors }) }),
    startedAt: startedAt.toISOString(),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
  };
}

/** Traffic has moved, and the locks are given back: what is left is to wait with the groups that are kept. */
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
  // One that was stopped, or ran into a limit of the service, has cleaned nothing up.
  return error === "FailureClean" ? "FailureClean" : "FailureDirty";
}

/** The newest JSON of the history that is a release; without history what the execution was started with. */
function findState({ input, events = [] }: ExecutionFacts): Json {
  for (const { stateExitedEventDetails, stateEnteredEventDetails } of events) {
    const state = parseJson(stateExitedEventDetails?.output ?? stateEnteredEventDetails?.input);
    if (state["release_id"] !== undefined) return state;
  }
  return parseJson(input);
}

function toReport(
  events: readonly HistoryEvent[],
  state: Json,
  more: { account: string; region: string; project: string; config: string } & {
    readonly end: ReleaseEnd | undefined;
    readonly fault: ReleaseFault | undefined;
    readonly laterErrors: readonly ReleaseFault[];
  },
): ReleaseReport {
  const { end, fault, laterErrors, ...place } = more;
  const path = events
    .flatMap(({ stateEnteredEventDetails, timestamp }) => {
      const { name } = stateEnteredEventDetails ?? {};
      return name === undefined ? [] : [{ state: name, at: timestamp?.getTime() ?? 0 }];
    })
    .toReversed();
  const last = path.at(-1);
  const startedAt = Date.parse(textOf(state["started_at"], textOf(state["created_at"])));
  return {
    operation: "deploy",
    releaseId: textOf(state["release_id"]),
    ...place,
    state: last?.state ?? "",
    since: last?.at ?? 0,
    path: path.slice(-200),
    lines: [],
    ...(Number.isNaN(startedAt) ? {} : { startedAt }),
    timeoutSeconds: countOf(state["timeout"], 600),
    services: Object.fromEntries(
      Object.entries(mapOf(state["services"])).map(([name, service]) => [name, toService(mapOf(service))]),
    ),
    ...(fault && { error: fault }),
    laterErrors,
    ...(end && { end }),
  };
}

function toService(service: Json): ServiceReport {
  const report = mapOf(service["healthy_report"]);
  const [healthy, launching, terminating] = [report["healthy"], report["launching"], report["terminating"]].map(
    (value) => countOf(value, 0),
  );
  const group = textOf(service["created_asg"]);
  return {
    healthy: healthy ?? 0,
    launching: launching ?? 0,
    terminating: terminating ?? 0,
    unhealthy: Math.max(0, (launching ?? 0) - (healthy ?? 0) - (terminating ?? 0)),
    targetHealthy: countOf(report["target_healthy"], 0),
    targetLaunched: countOf(report["target_launched"], 0),
    ...(group === "" ? {} : { group }),
    isHealthy: service["Healthy"] === true,
    causes: Array.isArray(service["causes"]) ? service["causes"].filter((cause) => typeof cause === "string") : [],
  };
}

/** Behind a Lambda function the cause is JSON, whose `errorMessage` is the text. */
function parseFault(value: unknown): ReleaseFault | undefined {
  const { Error: name, Cause: cause } = mapOf(value);
  if (typeof name !== "string") return undefined;
  return { class: name, message: textOf(parseJson(textOf(cause))["errorMessage"], textOf(cause)) };
}

function toCode({ class: name, message }: ReleaseFault): string {
  if (name === "HaltError" && message.startsWith("Timeout")) return "RELEASE_TIMED_OUT";
  const known = Object.entries(RELEASE_FAILURES).find(([, errorClass]) => errorClass === name);
  return known?.[0] ?? name;
}

function parseJson(text: string | undefined): Json {
  try {
    return mapOf(JSON.parse(text ?? ""));
  } catch {
    return {};
  }
}

function mapOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textOf(value: unknown, otherwise = ""): string {
  return typeof value === "string" ? value : otherwise;
}

function countOf(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : otherwise;
}
