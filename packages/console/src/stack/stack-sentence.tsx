import type { LastFailure, StackDetails } from "@stackyard/sdk";
import { Sentence } from "../design/sentence.tsx";
import { Ago, Text, useNow } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toFirstLine } from "../text/safe-text.ts";

/** A failed part of a stack, with its reason. */
interface FailedPart {
  readonly task: string;
  /** Such as `failed in DEPLOY: no such image`. */
  readonly text: string;
}

/** The first sentence of a stack with a failure. */
export interface FailedSentence {
  readonly failed: readonly FailedPart[];
  /** Tasks that wait for those that failed. */
  readonly waiting: readonly string[];
  /** Events that lead out of the state of a failure that the stack has left behind. */
  readonly events: readonly string[];
}

/** Returns what failed and why, of the present state or of one that the stack has left; undefined while nothing is failed. */
export function toFailedSentence(stack: StackDetails): FailedSentence | undefined {
  const { tasks, degraded, lastFailure, waitsFor, stalled } = stack;
  if (stalled !== undefined) return undefined;
  const failed = tasks.filter(({ status, detail }) => status === "ERROR" && detail !== "CANCELLED");
  if (failed.length > 0) {
    const waiting = tasks.filter(({ detail }) => detail === "WAITING").map(({ name }) => name);
    const parts = failed.map(({ name, errorMessage, errorCode }) => {
      return { task: name, text: `failed${toWhy(errorMessage, errorCode)}` };
    });
    return { failed: parts, waiting, events: [] };
  }
  if (!degraded || lastFailure === undefined || tasks.some(({ status }) => status === "PENDING")) return undefined;
  return { failed: [toLeftPart(lastFailure)], waiting: [], events: waitsFor?.events ?? [] };
}

/** Returns what a stack has left behind: a failure, or what a task has left undone. */
export function toLeftPart({ task, state, message, code, partial }: LastFailure): FailedPart {
  return { task, text: `${partial ? "" : "failed "}in ${state}${toWhy(message, code)}` };
}

/** Returns why a task has failed, after a colon: the first line of its message, else its code. */
export function toWhy(message: string | undefined, code: string | undefined): string {
  const why = message === undefined ? code : toFirstLine(dropColors(message)).replace(/\.\s*$/, "");
  return why === undefined || why === "" ? "" : `: ${why}`;
}

interface RunningPart {
  readonly task: string;
  readonly since: string;
  readonly progress: string;
  /** When what it waits for can open, if it is known. */
  readonly opensAt?: string;
}

/** The sentence of a busy stack: what runs, and what waits for it. */
export interface BusySentence {
  readonly running: readonly RunningPart[];
  readonly waiting: readonly string[];
}

/** Returns what runs; undefined where something else matters more, such as a failure, a parked event or a silent worker. */
export function toBusySentence({ tasks, parked, stalled }: StackDetails, now: number): BusySentence | undefined {
  const open = tasks.filter(({ status }) => status !== "SATISFIED");
  const running = open.flatMap(({ name, attempt, waitsFor }) => {
    const { kind, at } = waitsFor ?? {};
    const isRunning = kind === "poll" || kind === "opening" || (kind === "lease" && Date.parse(at ?? "") > now);
    if (attempt === undefined || attempt.cancelling !== undefined || !isRunning) return [];
    const opensAt = kind === "opening" && at !== undefined ? { opensAt: at } : {};
    const progress = toWhy(attempt.progressMessage, undefined);
    return [{ task: name, since: attempt.dispatchedAt, progress, ...opensAt }];
  });
  const waiting = open.filter(({ status, detail }) => status === "PENDING" && detail === "WAITING");
  const isWhole = running.length > 0 && running.length + waiting.length === open.length;
  if (!isWhole || parked.length > 0 || stalled !== undefined) return undefined;
  return { running, waiting: waiting.map(({ name }) => name) };
}

/** Renders what a stack does or waits for; of one with a failure first what failed and why, else what runs. */
export function StackSentence({ stack }: { readonly stack: StackDetails }) {
  const now = useNow(10_000);
  const failed = toFailedSentence(stack);
  const busy = failed === undefined ? toBusySentence(stack, now) : undefined;
  return (
    <span className="stack-summary wrap">
      {failed !== undefined && <Failed {...failed} />}
      {busy !== undefined && <Busy {...busy} />}
      {failed === undefined && busy === undefined && <Sentence text={stack.summary} />}
    </span>
  );
}

function Busy({ running, waiting }: BusySentence) {
  return (
    <>
      {running.map(({ task, since, progress, opensAt }) => (
        <span key={task}>
          <Names of={[task]} /> {opensAt === undefined ? "runs" : "waits"} for <Ago at={since} plain />
          <Text>{progress}</Text>
          {opensAt !== undefined && (
            <>
              ; it can continue <Ago at={opensAt} />
            </>
          )}
          .{" "}
        </span>
      ))}
      <Waiting tasks={waiting} count={running.length} />
    </>
  );
}

/** Renders which tasks wait for so many others, which were named before. */
function Waiting({ tasks, count }: { readonly tasks: readonly string[]; readonly count: number }) {
  if (tasks.length === 0) return null;
  return (
    <>
      <Names of={tasks} /> {tasks.length === 1 ? "waits" : "wait"} for {count === 1 ? "it" : "them"}.
    </>
  );
}

function Failed({ failed, waiting, events }: FailedSentence) {
  return (
    <>
      {failed.map(({ task, text }) => (
        <span key={task}>
          <Names of={[task]} /> <Text>{text}</Text>.{" "}
        </span>
      ))}
      <Waiting tasks={waiting} count={failed.length} />
      {events.length > 0 && (
        <>
          <Names of={events} /> {events.length === 1 ? "leads" : "lead"} on.
        </>
      )}
    </>
  );
}

function Names({ of: names }: { readonly of: readonly string[] }) {
  return names.map((name, index) => (
    <span key={name}>
      {index > 0 && (index === names.length - 1 ? " and " : ", ")}
      <b>
        <Text>{name}</Text>
      </b>
    </span>
  ));
}
