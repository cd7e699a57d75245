import type { Job } from "@stackyard/sdk/jobs";
import type { ValueDifference } from "../design/value-change.tsx";

/** Keys that name what a job works on. A revision at the end, such as `:42`, is a part of the version. */
const IDENTITY: ReadonlySet<string> = new Set([
  "op",
  "action",
  "account",
  "region",
  "aws_account_id",
  "aws_region",
  "project",
  "config",
  "project_name",
  "config_name",
  "cluster",
  "taskDefinition",
  "document",
  "profile",
  "functionName",
  "service",
  "location",
]);

/** Jobs that name nothing of this count as the same if this share of their values is equal. */
const EQUAL_SHARE = 0.5;

const MOST_VALUES = 500;

type Values = ReadonlyMap<string, string>;

/** Returns the newest earlier job that did the same and succeeded; undefined where none is known. */
export function findLastSuccess(run: Job, jobs: readonly Job[]): Job | undefined {
  const values = toValues(run);
  return jobs
    .filter(
      ({ jobId, state, executor, startedAt }) =>
        jobId !== run.jobId &&
        state === "succeeded" &&
        executor === run.executor &&
        Date.parse(startedAt) < Date.parse(run.startedAt),
    )
    .toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt))
    .find((job) => isSameWork(values, toValues(job)));
}

function isSameWork(now: Values, then: Values): boolean {
  const [identity, other] = [toIdentity(now), toIdentity(then)];
  if (identity.length > 0 || other.length > 0) return identity.join("\n") === other.join("\n");
  const paths = new Set([...now.keys(), ...then.keys()]);
  const equal = [...paths].filter((path) => now.get(path) === then.get(path)).length;
  return paths.size === 0 || equal / paths.size >= EQUAL_SHARE;
}

function toIdentity(values: Values): readonly string[] {
  return [...values]
    .filter(([path]) => IDENTITY.has(path.split(".").at(-1) ?? ""))
    .map(([path, value]) => `${path}=${value.replace(/:\d+$/, "")}`)
    .sort();
}

/** In what two jobs differ, and how much is equal. */
export interface RunDifferences {
  readonly changed: readonly ValueDifference[];
  readonly equal: number;
}

/** Returns in which values of config and target a job differs from an earlier one. */
export function compareRuns(then: Job, now: Job): RunDifferences {
  const [before, after] = [toValues(then), toValues(now)];
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  const changed = paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => ({ what: path, before: before.get(path), now: after.get(path) }));
  return { changed, equal: paths.length - changed.length };
}

/** Returns true if a value of the job is hidden: it cannot be started again from here. */
export function hasHiddenValue({ config, target = {} }: Pick<Job, "config" | "target">): boolean {
  return [...list(config, ""), ...list(target, "")].some(([, value]) => value.includes("***"));
}

/** The first values of a job, as many as are compared. */
function toValues({ config, target = {} }: Pick<Job, "config" | "target">): Values {
  return new Map([...list(config, ""), ...list(target, "target.")].slice(0, MOST_VALUES));
}

function list(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (typeof value !== "object" || value === null) {
    return [[path.replace(/\.$/, ""), typeof value === "string" ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([key, inner]) => list(inner, `${path}${key}.`));
}
