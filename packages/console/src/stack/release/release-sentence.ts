import type { Deploy, ReleaseCalendar, StackDetails, StackPart } from "@stackyard/sdk";
import { toStackStatus } from "../../api/status.ts";
import type { Status } from "../../design/mark.tsx";
import { countDeploy } from "./deploy-counts.ts";
import { findNextOfDeploy, type NextOfDeploy } from "./next-of-deploy.ts";

/** What a release sends or has sent, by one of its tasks or as a whole. */
export interface SentPart {
  readonly kind: "sent";
  /** Missing: about the release as a whole. */
  readonly task?: string;
  /** Such as `27 of 52 arrived, 2 on their way`. */
  readonly text: string;
  /** So many stacks of the task have failed. */
  readonly failed?: number;
  /** The next step of the task's stacks. */
  readonly next?: NextOfDeploy;
}

/** A part of what a release does or waits for: of what it sends, or of its stack. */
export type ReleasePart = SentPart | StackPart;

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
  const sending = new Set(said.map(({ task }) => task));
  const others = stack.parts.filter(({ kind, names }) => {
    return !ELSEWHERE.has(kind) && !names.some((name) => sending.has(name));
  });
  const isAtRest =
    stack.tasks.every(({ status }) => status === "SATISFIED") && deploys.every(({ endedAt }) => endedAt !== undefined);
  return [...said, ...others, ...(isAtRest ? toRest(facts) : [])];
}

/** Said by what is sent and by the end of the sentence; a task that waits for another one says less than that one. */
const ELSEWHERE: ReadonlySet<StackPart["kind"]> = new Set(["needs", "left", "events"]);

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

function toSending(deploy: Deploy, { calendar, now }: ReleaseNow): SentPart & { readonly task: string } {
  const { task, op, stop } = deploy;
  const { stacks, arrived, skipped, failed, sent, total } = countDeploy(deploy);
  const reached = `${count(arrived)} of ${count(stacks)} ${op === "undo" ? "undone" : "arrived"}`;
  const done = skipped === 0 ? reached : `${reached}, ${count(skipped)} skipped`;
  const next = findNextOfDeploy(deploy, calendar, now);
  // Without stacks that wait, what happens next names those on their way.
  const onTheirWay = sent > 0 && total.waiting > 0 ? `, ${count(sent)} on ${sent === 1 ? "its" : "their"} way` : "";
  const why = stop === undefined ? "" : `. ${withoutDot(stop.message)}`;
  return {
    kind: "sent",
    task,
    text: `${done}${onTheirWay}${why}`,
    ...(failed > 0 && { failed }),
    ...(next !== undefined && { next }),
  };
}

function toRest({ stack, deploys }: ReleaseNow): readonly ReleasePart[] {
  const events = stack.waitsFor?.events ?? [];
  const possible = events.length === 0 ? "" : `; ${events.join(", ")} ${events.length === 1 ? "is" : "are"} possible`;
  return [...toResult(stack, deploys), { kind: "sent", text: `It rests in ${stack.state}${possible}` }];
}

/** Returns the failure that a release has left behind, else that all has arrived. */
function toResult({ parts, lastFailure }: StackDetails, deploys: readonly Deploy[]): readonly ReleasePart[] {
  const isSaid = deploys.some((deploy) => deploy.task === lastFailure?.task && hasFailed(deploy));
  const left = parts.filter(({ kind }) => kind === "left");
  if (left.length > 0 && !isSaid) return left;
  if (deploys.length === 0 || deploys.some(hasFailed)) return [];
  const counts = deploys.map(countDeploy);
  const stacks = counts.reduce((sum, each) => sum + each.stacks, 0);
  const skipped = counts.reduce((sum, each) => sum + each.skipped, 0);
  if (skipped > 0)
    return [
      {
        kind: "sent",
        text: `${count(stacks - skipped)} of ${count(stacks)} stacks have arrived, ${count(skipped)} skipped`,
      },
    ];
  return [{ kind: "sent", text: stacks === 1 ? "Its stack has arrived" : `All ${count(stacks)} stacks have arrived` }];
}

function withoutDot(text: string): string {
  return text.replace(/\.\s*$/, "");
}

function count(value: number): string {
  return value.toLocaleString("en");
}
