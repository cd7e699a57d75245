import { readField, readText } from "./read-field.ts";

/** How many instances stand how. */
export interface RunCounts {
  readonly selected: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly running: number;
  readonly skipped: number;
  /** Still to be sent, or never sent. */
  readonly notSent: number;
}

/** An instance that the run could not configure. */
export interface FailedInstance {
  readonly instanceId: string;
  readonly code: string;
}

/** What the pages of a run's report say, as far as a pipeline is told. */
export interface RunReport {
  readonly counts: RunCounts;
  readonly failed: readonly FailedInstance[];
}

const NAMES = ["selected", "succeeded", "failed", "running", "skipped", "notSent"] as const;
const FAILED_STATES: ReadonlySet<unknown> = new Set(["failed", "cancelled", "not-sent"]);

/** Reads the pages that the executor has written; undefined before the first one. */
export function findRunReport(pages: readonly unknown[]): RunReport | undefined {
  const counts = pages.map((page) => readField(page, "counts")).find((each) => each !== undefined);
  if (counts === undefined) return undefined;
  const read = (name: string): number => {
    const count = readField(counts, name);
    return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 0;
  };
  return {
    counts: Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Record<(typeof NAMES)[number], number>,
    failed: [...toLatest(pages.flatMap(toInstances))].flatMap(toFailed),
  };
}

function toInstances(page: unknown): readonly unknown[] {
  const instances = readField(page, "instances");
  return Array.isArray(instances) ? instances : [];
}

/** While pages are written an instance may stand on two of them; the later one counts. */
function toLatest(instances: readonly unknown[]): Iterable<unknown> {
  return new Map(instances.map((each) => [readText(each, "instanceId"), each])).values();
}

/** What still waits to be sent has no code yet. */
function toFailed(instance: unknown): readonly FailedInstance[] {
  const instanceId = readText(instance, "instanceId");
  const code = readText(instance, "code");
  const isFailed = FAILED_STATES.has(readField(instance, "state")) && instanceId !== undefined && code !== undefined;
  return isFailed ? [{ instanceId, code }] : [];
}
