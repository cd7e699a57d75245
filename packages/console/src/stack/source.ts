import type { Attempt, HistoryEntry, MachineDetails, MachineGraph, Page, StackAt, StackDetails } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";

/** Which part of a history to load. */
export interface HistoryPart {
  readonly cursor?: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Where the screen of a stack has its data from: a yard, or the file of a bundle. */
export interface StackSource {
  readonly stackId: string;
  /** The page that shows it, for links to its tabs. */
  readonly path: string;
  /** Why nothing can be done to the stack, such as that it is in a file. */
  readonly refusal?: string;
  /** Returns the key of a query. */
  readonly key: (part: string, filter?: object) => readonly unknown[];
  /** Throws an error with status 404 for a stack that does not exist any more. */
  readonly loadDetails: (signal: AbortSignal) => Promise<StackDetails>;
  /** Loads the history, newest first. */
  readonly loadHistory: (part: HistoryPart) => Promise<Page<HistoryEntry>>;
  readonly loadAttempts: (signal: AbortSignal) => Promise<readonly Attempt[]>;
  /** Loads the end of an attempt's log. */
  readonly loadLogTail: (attemptId: string, signal: AbortSignal) => Promise<string>;
  /** Returns the stack after a line of its history, if that can be replayed. */
  readonly loadAt?: (position: number, signal: AbortSignal) => Promise<StackAt>;
  readonly loadGraph: (machine: string, signal: AbortSignal) => Promise<MachineGraph>;
  /** Loads the machine's details; undefined if they are unavailable. */
  readonly loadMachine?: (machine: string, signal: AbortSignal) => Promise<MachineDetails>;
  /** Loads the text of a revision's document. */
  readonly loadRevision: (hash: string, signal: AbortSignal) => Promise<string>;
}

/** A stack and where it is from: what each part of its screen is given. */
export interface StackProps {
  readonly source: StackSource;
  readonly stack: StackDetails;
}

/** Returns where the log of an attempt is: a page of its own, or, of a file, next to the attempts. */
export function toLogAddress(
  { path, refusal }: StackSource,
  attemptId: string,
): { readonly path: string; readonly search: Readonly<Record<string, string>> } {
  if (refusal === undefined) return { path: "/log", search: { attempt: attemptId } };
  return { path, search: { tab: "attempts", a: attemptId } };
}

/** Creates the source of a stack of the yard that serves the page. */
export function createYardSource(stackId: string): StackSource {
  return {
    stackId,
    path: "/stack",
    key: (part, filter) => keys.stack(stackId, part, filter),
    loadDetails: (signal) => yard.stacks.get(stackId, { signal }),
    loadHistory: (part) => yard.stacks.history(stackId, part),
    loadAttempts: (signal) => yard.stacks.attempts(stackId, { signal }),
    loadLogTail: (attemptId, signal) => yard.stacks.attemptLog(attemptId, { signal }),
    loadAt: (position, signal) => yard.stacks.at(stackId, position, { signal }),
    loadGraph: (machine, signal) => yard.machines.graph(machine, { signal }),
    loadMachine: (machine, signal) => yard.machines.get(machine, { signal }),
    loadRevision: async (hash, signal) => (await yard.machines.revision(hash, { signal })).source,
  };
}
