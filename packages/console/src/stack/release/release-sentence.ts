import type { Deploy, ReleaseCalendar, StackDetails } from "@stackyard/sdk";
import { toStackStatus } from "../../api/status.ts";
import type { Status } from "../../design/mark.tsx";
import { toFirstLine } from "../../text/safe-text.ts";
import { toLeftPart, toWhy } from "../stack-sentence.tsx";
import { countDeploy } from "./deploy-counts.ts";
import { findNextOfDeploy, type NextOfDeploy } from "./next-of-deploy.ts";

/** A part of what a release does or waits for: each is about one of its tasks, or about the release as a whole. */
export interface ReleasePart {
  /** Missing: about the release as a whole. */
  readonly task?: string;
  /** Such as `27 of 52 arrived, 2 on their way`. */
  readonly text: string;
  /** When what is said happens, if it is known. */
  readonly at?: string;
  /** So many stacks of the task have failed. */
  readonly failed?: number;
  /** The next step of the task's stacks. */
  readonly next?: NextOfDeploy;
}

/** The facts of the sentence. */
export interface ReleaseNow {
  readonly stack: StackDetails;
  readonly deploys: readonly Deploy[];
  /** Undefined while it is not known when the release may send. */
  readonly calendar: Pick<ReleaseCalendar, "windows" | "freezes"> | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Returns what a release does and waits for, first what has failed or runs; empty when nothing of that is known. */
export function toReleaseParts(facts: ReleaseNow): readonly ReleasePart[] {
  const { stack, deploys } = facts;
  const said = deploys
    .filter((deploy) => deploy.endedAt === undefined || hasFailed(deploy))
    .map((deploy) => toSending(deploy, facts));
  const names = new Set(said.map(({ task }) => task));
  const others = stack.tasks.filter(({ name }) => !names.has(name)).flatMap((task) => toWaiting(task, facts));
  const isAtRest =
    stack.tasks.every(({ status }) => status === "SATISFIED") && deploys.every(({ endedAt }) => endedAt !== undefined);
  return [...said, ...others, ...(isAtRest ? toRest(facts) : [])];
}

/** Returns how a release stands: one that has left failed stacks behind is not healthy, also after its end. */
export function toReleaseStatus(
  stack: StackDetails,
  deploys: readonly Deploy[],
): { readonly status: Status; readonly word?: string } {
  const status = toStackStatus(stack);
  const isUndone = deploys.some(({ op }) => op === "undo");
  const failed = isUndone ? 0 : deploys.reduce((sum, deploy) => sum + countDeploy(deploy).failed, 0);
  if (failed === 0 || !AT_REST.has(status)) return { status };
  return { status: "degraded", word: `Ended, ${failed.toLocaleString("en")} failed` };
}

const AT_REST: ReadonlySet<Status> = new Set(["healthy", "asleep", "degraded"]);

function hasFailed(deploy: Deploy): boolean {
  return countDeploy(deploy).failed > 0;
}

function toSending(deploy: Deploy, { calendar, now }: ReleaseNow): ReleasePart {
  const { task, op, stop } = deploy;
  const { stacks, arrived, skipped, failed, sent, total } = countDeploy(deploy);
  const reached = `${count(arrived)} of ${count(stacks)} ${op === "undo" ? "undone" : "arrived"}`;
  const done = skipped === 0 ? reached : `${reached}, ${count(skipped)} skipped`;
  const next = findNextOfDeploy(deploy, calendar, now);
  // Without stacks that wait, what happens next names those on their way.
  const onTheirWay = sent > 0 && total.waiting > 0 ? `, ${count(sent)} on ${sent === 1 ? "its" : "their"} way` : "";
  const why = stop === undefined ? "" : `. ${withoutDot(stop.message)}`;
  return {
    task,
    text: `${done}${onTheirWay}${why}`,
    ...(failed > 0 && { failed }),
    ...(next !== undefined && { next }),
  };
}

function toWaiting(task: StackDetails["tasks"][number], { stack }: ReleaseNow): readonly ReleasePart[] {
  const { name, status, detail, errorCode, errorMessage, attempt, waitsFor } = task;
  if (status === "ERROR") {
    return [{ task: name, text: `has failed${toWhy(errorMessage, errorCode)}` }];
  }
  // A task that waits for another one says less than that one.
  if (status === "SATISFIED" || detail === "WAITING") return [];
  const approval = stack.approvals?.find((each) => each.task === name);
  if (approval !== undefined) {
    const { count: all, need, expiresAt } = approval;
    return [{ task: name, text: `waits for approval, ${all - need} of ${all} given; it ends`, at: expiresAt }];
  }
  if (waitsFor?.kind === "opening" && waitsFor.at !== undefined)
    return [{ task: name, text: "waits at a closed gate, which opens", at: waitsFor.at }];
  if (attempt?.executor !== "gate" || attempt.progressMessage === undefined)
    return [{ task: name, text: detail === "QUEUED" ? "is queued" : "runs" }];
  return [{ task: name, text: `waits at a closed gate: ${withoutDot(toFirstLine(attempt.progressMessage))}` }];
}

function toRest({ stack, deploys }: ReleaseNow): readonly ReleasePart[] {
  const events = stack.waitsFor?.events ?? [];
  const possible = events.length === 0 ? "" : `; ${events.join(", ")} ${events.length === 1 ? "is" : "are"} possible`;
  return [...toResult(stack, deploys), { text: `It rests in ${stack.state}${possible}` }];
}

/** Returns the failure that a release has left behind, else that all has arrived. */
function toResult({ degraded, lastFailure }: StackDetails, deploys: readonly Deploy[]): readonly ReleasePart[] {
  const isSaid = deploys.some((deploy) => deploy.task === lastFailure?.task && hasFailed(deploy));
  if (degraded && lastFailure !== undefined && !isSaid) return [toLeftPart(lastFailure)];
  if (deploys.length === 0 || deploys.some(hasFailed)) return [];
  const counts = deploys.map(countDeploy);
  const stacks = counts.reduce((sum, each) => sum + each.stacks, 0);
  const skipped = counts.reduce((sum, each) => sum + each.skipped, 0);
  if (skipped > 0)
    return [{ text: `${count(stacks - skipped)} of ${count(stacks)} stacks have arrived, ${count(skipped)} skipped` }];
  return [{ text: stacks === 1 ? "Its stack has arrived" : `All ${count(stacks)} stacks have arrived` }];
}

function withoutDot(text: string): string {
  return text.replace(/\.\s*$/, "");
}

function count(value: number): string {
  return value.toLocaleString("en");
}
