import { parseDuration } from "@stackyard/core/machine";
import {
  type CallDistributor,
  type CoverageOutcome,
  type CoverageRow,
  waitForCoverage,
} from "@stackyard/sdk/artifacts";
import type { ArtifactContext } from "./artifact-command.ts";
import { toCoverageMatrix } from "./report/coverage-matrix.ts";
import { stands, tellRow } from "./report/tell-coverage.ts";
import { toCell } from "./report/to-cell.ts";

/** What is waited for. */
export interface FollowCoverageInput {
  readonly call: CallDistributor;
  readonly name: string;
  readonly version: string;
  /** A duration. Default: 15m. */
  readonly timeout?: string;
}

const DEFAULT_TIMEOUT = "15m";

/** Waits until a version stands everywhere, and shows each change: in a terminal as a matrix, in a pipe as lines. */
export function followCoverage(context: ArtifactContext, input: FollowCoverageInput): Promise<CoverageOutcome> {
  const { clock, signal, pollMs, out } = context;
  const { timeout = DEFAULT_TIMEOUT, ...what } = input;
  return waitForCoverage({
    ...what,
    clock,
    signal,
    timeoutMs: parseDuration(timeout) ?? 0,
    ...(pollMs === undefined ? {} : { pollMs }),
    onFault: ({ message }) => out.note(`${toCell(message, 1_000)} It is asked again until ${timeout} are over.`),
    onChange: (row) =>
      out.progress(
        toProgress(row),
        () => tellRow(row),
        (columns) => `${tellRow(row)}\n\n${toCoverageMatrix([row], { columns })}`,
      ),
  });
}

function toProgress(row: CoverageRow): Readonly<Record<string, unknown>> {
  const { name, version, covered, cells } = row;
  const standing = cells.filter(stands).length;
  return { kind: "coverage", name, version, covered, consumers: cells.length, standing, cells };
}

/** Tells people what is missing, and how to look again. */
export function noteMissing(context: ArtifactContext, input: FollowCoverageInput, outcome: CoverageOutcome): void {
  if (outcome.kind === "covered") return;
  const { name, version, timeout = DEFAULT_TIMEOUT } = input;
  const why = [
    toReason(outcome),
    ...(outcome.fault ? [`the last look failed: ${toCell(outcome.fault.message, 1_000)}`] : []),
  ];
  const again = `Look again: stackyard artifacts coverage --artifact ${name}@${version}`;
  context.out.note(
    `After ${timeout} ${why
      .filter((each) => each !== undefined)
      .join("; ")
      .replace(/\.?$/, ".")} ${again}`,
  );
}

type TimedOut = Extract<CoverageOutcome, { kind: "timed-out" }>;

function toReason(outcome: TimedOut): string | undefined {
  if (outcome.missing.length > 0) return `it is missing in ${listPlaces(outcome)}`;
  if (outcome.row !== undefined) return "no consumer is registered for it";
  return outcome.fault === undefined ? "the distributor does not know it" : undefined;
}

const MAX_PLACES = 10;

function listPlaces({ missing }: TimedOut): string {
  const told = missing.slice(0, MAX_PLACES).map(({ account, region, status, code }) => {
    return toCell(`${account} ${region} (${code === null ? status : `${status} ${code}`})`, 200);
  });
  return [...told, ...(missing.length > MAX_PLACES ? [`${missing.length - MAX_PLACES} more`] : [])].join(", ");
}
