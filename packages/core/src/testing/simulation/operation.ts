import { StackyardError } from "../../errors/stackyard-error.ts";
import type { Fault } from "./simulation-plan.ts";

/** A process's life: from its start to its end. */
export interface Life {
  readonly node: number;
  readonly skewMs: number;
  /** The true instant until which it stands still. */
  frozenUntil: number;
  /** It has ended. What still goes on in it, because the code cannot be stopped, reaches nothing any more. */
  isOver: boolean;
  /** Ends it now, as `kill -9` would; another one starts after so long. */
  crash(downMs: number): void;
}

/** What a process looks for when it has nothing to do. */
export type WorkKind = "events" | "tasks" | "sweep" | "queue";

/** Something that waits for its turn. */
export interface Operation {
  readonly key: string;
  readonly life: Life | undefined;
  /** It waits for work of this kind besides. */
  readonly idle?: WorkKind;
  readonly fault: Fault | undefined;
  /** What it is, for the trace. */
  readonly tell: () => string;
  readonly act: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Not before this true instant. */
  readyAt: number;
}

/** How an operation went, for whoever waits for it. */
export type Answer = (operation: Pick<Operation, "resolve" | "reject">) => void;

/**
 * Does it, unless its fault keeps it from being done. Gives the answer that is on its way; undefined: nobody hears of
 * it, because its process has died.
 */
export async function performOperation({ fault, life, act }: Operation): Promise<Answer | undefined> {
  const isBefore = fault !== undefined && "when" in fault && fault.when === "before";
  const answer = isBefore && fault.kind !== "delay" ? giveNothing : await toAnswer(act);
  if (fault?.kind === "crash") {
    life?.crash(fault.downMs);
    return undefined;
  }
  return fault?.kind === "fail" ? refuse : answer;
}

/** How long the answer is on its way. */
export function answerDelayMs({ fault }: Pick<Operation, "fault">): number {
  return fault?.kind === "delay" && fault.when === "after" ? fault.ms : 0;
}

async function toAnswer(act: () => unknown): Promise<Answer> {
  try {
    const value = await act();
    return ({ resolve }) => resolve(value);
  } catch (error) {
    return ({ reject }) => reject(error);
  }
}

const giveNothing: Answer = () => undefined;

const refuse: Answer = ({ reject }) =>
  reject(new StackyardError("STORE_UNAVAILABLE", "The simulated store does not answer."));
