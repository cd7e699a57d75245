import type { CellStatus } from "@stackyard/sdk/artifacts";
import type { Cell } from "./cell.ts";
import { findMissing, statusOf } from "./cell-status.ts";
import type { RefusalRecord } from "./refusals.ts";

/** The figures of a scheduled run. */
interface SweepFigures {
  readonly cells: readonly Cell[];
  readonly refusals: readonly RefusalRecord[];
  /** Epoch milliseconds. */
  readonly now: number;
}

const NAMESPACE = "Stackyard/Artifacts";
const STATUSES: readonly CellStatus[] = ["expected", "announced", "failed", "rejected", "overdue"];

/**
 * Returns metrics in CloudWatch embedded metric format, one per line: missing files of each open cell by artifact and consumer (the
 * version is only a property, because a dimension would create a metric per version), the number of cells by status, and of
 * versions that are refused for good. All statuses and totals are always written, so that alarms recover. Source: CloudWatch user guide, "Embedded metric format specification".
 */
export function toMetricLines({ cells, refusals, now }: SweepFigures): readonly string[] {
  const open = cells.filter((cell) => cell.files.includes("-"));
  const lines = open.map((cell) => {
    const { name, version, account, region } = cell;
    const values = { MissingFiles: findMissing(cell).length };
    const facts = { Artifact: name, Consumer: `${account}/${region}`, version, status: statusOf(cell) };
    return toLine({ now, values, facts, dimensions: [["Artifact", "Consumer"]] });
  });
  const statuses = open.map(statusOf);
  const counts = STATUSES.map((status) => {
    const values = { Cells: statuses.filter((each) => each === status).length };
    return toLine({ now, values, facts: { Status: status }, dimensions: [["Status"]] });
  });
  const given = Map.groupBy(
    refusals.filter(({ retryUntil }) => retryUntil === null),
    ({ code }) => code,
  );
  const byCode = [...given].map(([Code, all]) =>
    toLine({ now, values: { RefusedVersions: all.length }, facts: { Code }, dimensions: [["Code"]] }),
  );
  const RefusedVersions = [...given.values()].flat().length;
  const values = { AlarmedCells: open.filter(({ alarmedAt }) => alarmedAt !== null).length, RefusedVersions };
  return [...lines, ...counts, ...byCode, toLine({ now, values, facts: {}, dimensions: [[]] })];
}

/** Returns the metric of a dropped event. */
export function toDropLine(code: string, now: number): string {
  return toLine({ now, values: { DroppedEvents: 1 }, facts: { Code: code }, dimensions: [["Code"]] });
}

/** Counts of a look at the subscriptions. */
interface TrustCounts {
  readonly untrusted: number;
  readonly unchecked: number;
  /** Consumers that are registered, and have had no subscription for ten minutes. */
  readonly unsubscribed: number;
  /** Subscriptions with a filter policy. */
  readonly filtered: number;
}

/** Returns the metrics of subscriptions whose accounts are not trusted or could not be looked up, of consumers without one, and of filter policies. */
export function toTrustLine(counts: TrustCounts, now: number): string {
  const { untrusted, unchecked, unsubscribed, filtered } = counts;
  const values = {
    UntrustedSubscriptions: untrusted,
    UncheckedSubscriptions: unchecked,
    UnsubscribedConsumers: unsubscribed,
    FilteredSubscriptions: filtered,
  };
  return toLine({ now, values, facts: {}, dimensions: [[]] });
}

/** Returns the metric of manifests whose event did not come. */
export function toUnseenLine(
  unseen: readonly { readonly name: string; readonly version: string }[],
  now: number,
): string {
  const facts = {
    versions: unseen
      .slice(0, 20)
      .map(({ name, version }) => `${name}@${version}`)
      .join(" "),
  };
  return toLine({ now, values: { UnseenVersions: unseen.length }, facts, dimensions: [[]] });
}

interface LineInput {
  readonly now: number;
  readonly values: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, string>>;
  readonly dimensions: readonly (readonly string[])[];
}

function toLine({ now, values, facts, dimensions }: LineInput): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: "Count" }));
  const _aws = { Timestamp: now, CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: dimensions, Metrics }] };
  return `${JSON.stringify({ _aws, ...facts, ...values })}\n`;
}
