import type { LastFailure, StackDetails } from "@stackyard/sdk";
import { Commands, Sentence } from "../design/sentence.tsx";
import { Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toFirstLine } from "../text/safe-text.ts";

/** What failed in a stack, and why. */
interface FailedPart {
  readonly task: string;
  /** Such as `failed in DEPLOY: no such image`. */
  readonly text: string;
}

/** What a stack with a failure says first. */
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

/** Renders what a stack does or waits for; of one with a failure first what failed and why. */
export function StackSentence({ stack }: { readonly stack: StackDetails }) {
  const said = toFailedSentence(stack);
  return (
    <>
      <p className="stack-summary wrap">
        {said === undefined ? <Sentence text={stack.summary} /> : <Said {...said} />}
      </p>
      <p className="stack-commands">
        <Commands text={stack.summary} />
      </p>
    </>
  );
}

function Said({ failed, waiting, events }: FailedSentence) {
  return (
    <>
      {failed.map(({ task, text }) => (
        <span key={task}>
          <b>
            <Text>{task}</Text>
          </b>{" "}
          <Text>{text}</Text>.{" "}
        </span>
      ))}
      {waiting.length > 0 && (
        <>
          <Names of={waiting} /> {waiting.length === 1 ? "waits" : "wait"} for {failed.length === 1 ? "it" : "them"}.
        </>
      )}
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
