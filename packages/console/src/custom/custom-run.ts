import type { CustomResourceRun } from "@stackyard/sdk";
import type { GanttRow } from "../design/charts/gantt.tsx";
import type { Status } from "../design/mark.tsx";
import type { Step } from "../design/run/steps.tsx";
import type { ValueDifference } from "../design/value-change.tsx";
import { formatDuration } from "../text/durations.ts";

/** What becomes of a request: its mark, and what it has done, in a sentence that ends with a duration. */
const STATES = {
  failed: { status: "failed", word: "Failed", deed: "failed after" },
  succeeded: { status: "succeeded", word: "Succeeded", deed: "succeeded after" },
  answered: { status: "succeeded", word: "Answered", deed: "was answered after" },
  starting: { status: "waiting", word: "Starting", deed: "has waited for" },
  running: { status: "running", word: "Running", deed: "has run for" },
} as const satisfies Readonly<Record<string, { status: Status; word: string; deed: string }>>;

function findState({ answer, startedAt }: CustomResourceRun): (typeof STATES)[keyof typeof STATES] {
  if (answer?.status === "FAILED") return STATES.failed;
  if (answer !== undefined) return answer.data["Ran"] === "true" ? STATES.succeeded : STATES.answered;
  return startedAt === undefined ? STATES.starting : STATES.running;
}

/** Returns the state of a request, and what that is called. */
export function toRequestStatus(run: CustomResourceRun): { readonly status: Status; readonly word: string } {
  const { status, word } = findState(run);
  return { status, word };
}

/** Returns what has become of a request, in a sentence that ends with a duration: `failed after`. */
export function toRequestDeed(run: CustomResourceRun): string {
  return findState(run).deed;
}

/** Returns the last part of an ARN: `migrate:42`, the id of a task. */
export function toShortName(arn: string): string {
  return arn.split("/").at(-1) ?? arn;
}

/** Splits the reason of an answer, which begins with its code. */
export function toReason(reason: string): { readonly code: string; readonly message: string } {
  const [, code, message] = /^([A-Z][A-Z0-9_]+): ([\s\S]*)$/.exec(reason) ?? [];
  return code === undefined || message === undefined ? { code: "FAILED", message: reason } : { code, message };
}

interface Times {
  readonly received: number;
  readonly started: number | undefined;
  readonly answered: number | undefined;
}

function toTimes({ receivedAt, startedAt, answeredAt }: CustomResourceRun): Times {
  const parse = (at: string | undefined) => (at === undefined ? undefined : Date.parse(at));
  return { received: Date.parse(receivedAt), started: parse(startedAt), answered: parse(answeredAt) };
}

/** Returns the parts of a request as its picture: received, tasks, answer. */
export function toRequestSteps(run: CustomResourceRun, now: number): readonly Step[] {
  const hasRun = run.taskArns.length > 0 && run.startedAt !== undefined;
  return [toFirstStep(run, now), ...(hasRun ? [toTasksStep(run, now)] : []), toAnswerStep(run)];
}

function toFirstStep(run: CustomResourceRun, now: number): Step {
  const { received, started, answered } = toTimes(run);
  const base = { key: "request", name: run.requestType };
  const begun = started ?? answered;
  if (begun === undefined) return { ...base, status: "running", note: formatDuration(now - received) };
  return { ...base, status: "succeeded", note: `decided after ${formatDuration(begun - received)}` };
}

function toTasksStep(run: CustomResourceRun, now: number): Step {
  const { received, started = received, answered = now } = toTimes(run);
  const { length } = run.taskArns;
  return {
    key: "tasks",
    name: length === 1 ? "1 task" : `${length} tasks`,
    status: run.answer === undefined ? "running" : toEndStatus(run.answer),
    note: formatDuration(answered - started),
  };
}

function toAnswerStep({ answer }: CustomResourceRun): Step {
  const base = { key: "answer", name: "Answer" };
  if (answer === undefined) return { ...base, status: "waiting", note: "CloudFormation waits" };
  return { ...base, status: toEndStatus(answer), note: answer.status };
}

function toEndStatus({ status }: NonNullable<CustomResourceRun["answer"]>): Status {
  return status === "FAILED" ? "failed" : "succeeded";
}

/** Returns the parts of a request as rows of the line of time. */
export function toRequestRows(run: CustomResourceRun): readonly GanttRow[] {
  const { received, started, answered } = toTimes(run);
  const { status } = toRequestStatus(run);
  const link = (word: string) => ({ path: "/custom-resource", search: { id: run.id }, word });
  const request = {
    key: "request",
    text: "",
    name: "Request",
    from: received,
    status: status === "waiting" ? ("running" as const) : status,
    ...(answered !== undefined && { to: answered }),
    link: { ...link("its answer"), search: { id: run.id, tab: "answer" } },
  };
  const rows: GanttRow[] = [{ name: "Request", bars: [request], end: "" }];
  if (started === undefined) return rows;
  const tasks = run.taskArns.map((arn): GanttRow => {
    const name = `Task ${toShortName(arn).slice(0, 8)}`;
    const bar = { ...request, key: arn, name, from: started, link: link("its logs") };
    return { name, bars: [bar], end: "" };
  });
  return [...rows, ...tasks];
}

/** Returns the newest earlier request of the same resource that ran tasks and succeeded; undefined without one. */
export function findEarlierSuccess(
  run: CustomResourceRun,
  runs: readonly CustomResourceRun[],
): CustomResourceRun | undefined {
  return runs.find(
    ({ id, resourceId, answer }) =>
      resourceId === run.resourceId && id > run.id && answer?.status === "SUCCESS" && answer.data["Ran"] === "true",
  );
}

/** Returns in what a request differs from an earlier one. */
export function compareRequests(then: CustomResourceRun, now: CustomResourceRun): readonly ValueDifference[] {
  const facts = ({ taskDefinition, cluster, requestType, taskArns }: CustomResourceRun) => ({
    "Task definition": taskDefinition === undefined ? undefined : toShortName(taskDefinition),
    Cluster: cluster,
    Request: requestType,
    Tasks: String(taskArns.length),
  });
  const [before, after] = [facts(then), facts(now)];
  return Object.entries(before)
    .map(([what, value]) => ({ what, before: value, now: Object.entries(after).find(([name]) => name === what)?.[1] }))
    .filter((difference) => difference.before !== difference.now);
}
