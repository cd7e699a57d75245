import { CHAIN_LENGTH, type Measured } from "../side-by-side/contender.ts";
import type { Place } from "../side-by-side/contender-child.ts";

/**
 * What is worked. `chain`: one event takes a stack through ten states with a task each; a job is one task. `once`: one
 * event, one task and its result are one job.
 */
export type Form = "chain" | "once";

/** How many tasks run at a time: ten, or as many as an engine does best with. */
export type Width = "10" | "max";

/** A durable engine that keeps what has happened, as one of its two settings works one of the two forms. */
export interface Engine extends Measured {
  /** The engine, whatever its setting. */
  readonly family: string;
  readonly form: Form;
  readonly width: Width;
  /** Starts a server of its own. Default: a database of the Postgres server. */
  readonly startServer?: () => Promise<EngineServer>;
}

/** What a server reports about itself. Values that it does not report are missing. */
export interface ServerFigures {
  /** Written to its log. */
  readonly logBytes: number;
  readonly keptBytes?: number;
  readonly commits?: number;
}

/** The server that an engine works on, and what that one keeps. */
export interface EngineServer {
  readonly place: Place;
  settle(): Promise<void>;
  read(): Promise<ServerFigures>;
  stop(): Promise<void>;
}

/** Returns how many jobs one run of a workflow is. */
export function toRunLength(form: Form): number {
  return form === "chain" ? CHAIN_LENGTH : 1;
}

/** One run of a workflow: its number, the first of its jobs, and how many they are. */
export interface Run {
  readonly number: number;
  readonly index: number;
  readonly length: number;
}

/** Returns the runs for some jobs. */
export function toRuns(form: Form, { first, count }: { readonly first: number; readonly count: number }): Run[] {
  const length = toRunLength(form);
  return Array.from({ length: Math.ceil(count / length) }, (_, offset) => {
    const number = Math.ceil(first / length) + offset;
    return { number, index: number * length, length };
  });
}

/** Starts runs, so many at a time. */
export async function startAll(runs: readonly Run[], atATime: number, start: (run: Run) => Promise<unknown>) {
  const waiting = runs.values();
  const loop = async () => {
    for (const run of waiting) await start(run);
  };
  await Promise.all(Array.from({ length: atATime }, loop));
}

/** Returns one job that is a run of its own. */
export function toSingleRun(index: number): Run {
  return { number: index, index, length: 1 };
}
