import type { StackSummary } from "@stackyard/sdk";
import { toSafeLink } from "../text/safe-text.ts";

type Metadata = StackSummary["metadata"];

/** Keys of metadata that name what is deployed, the most exact first. */
const VERSION_KEYS = ["version", "release", "tag", "image_tag", "sha", "commit", "head"] as const;
const COST_KEY = "monthly_cost";
const URL_KEY = "url";

/** Keys whose values have a column of their own, so that none is shown twice. */
export const FACT_KEYS: ReadonlySet<string> = new Set([...VERSION_KEYS, COST_KEY, URL_KEY]);

/** The deployed version, as a person calls it. */
export interface Version {
  readonly key: string;
  /** The first seven characters of a commit. */
  readonly short: string;
  readonly full: string;
}

const COMMIT = /^[0-9a-f]{12,64}$/;

/** Returns the version in the metadata; undefined where no key has one. */
export function findVersion(metadata: Metadata): Version | undefined {
  for (const key of VERSION_KEYS) {
    const value = metadata[key];
    if (typeof value !== "string" && typeof value !== "number") continue;
    const full = String(value);
    if (full !== "") return { key, full, short: COMMIT.test(full) ? full.slice(0, 7) : full };
  }
  return undefined;
}

/** Returns the estimated cost in USD a month; undefined where it is not known. */
export function findMonthlyCost(metadata: Metadata): number | undefined {
  const value = metadata[COST_KEY];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Returns the address under which the environment is reached; undefined for everything but http and https. */
export function findAddress(metadata: Metadata): ReturnType<typeof toSafeLink> {
  const value = metadata[URL_KEY];
  return typeof value === "string" ? toSafeLink(value) : undefined;
}

/** The failure that a list shows of a stack. */
export interface ShownFailure {
  readonly task: string;
  readonly code: string;
  readonly message: string;
  readonly at?: string;
  /** The stack has recovered, or a person has acknowledged it. */
  readonly isOver: boolean;
}

/** Returns the failed task of the present state, else the last failure; undefined where nothing has failed. */
export function findFailure({
  tasks,
  lastFailure,
}: Pick<StackSummary, "tasks" | "lastFailure">): ShownFailure | undefined {
  const failed = tasks.find(({ status }) => status === "ERROR");
  if (failed !== undefined) {
    const { name: task, errorCode: code = "", errorMessage: message = "" } = failed;
    const at = lastFailure?.task === task ? lastFailure.at : undefined;
    return { task, code, message, isOver: false, ...(at !== undefined && { at }) };
  }
  if (lastFailure === undefined) return undefined;
  const { task, code = "", message = "", at, resolvedAt, acknowledged } = lastFailure;
  return { task, code, message, at, isOver: resolvedAt !== undefined || acknowledged !== undefined };
}
