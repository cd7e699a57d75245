import { changeRecord, defined } from "@stackyard/core";
import type { ReleaseEnd, ReleaseReport } from "@stackyard/sdk/releases";
import type { AsgCall } from "./call.ts";
import { toReleaseReport, toReportKey } from "./plan/report.ts";
import type { ReleaseProgress } from "./release-progress.ts";

const KEPT_MS = 30 * 24 * 3_600_000;
const MAX_TRIES = 3;

/** Writes the report of a release for its run. */
export function writeReport(call: AsgCall, progress: ReleaseProgress, end?: ReleaseEnd): Promise<void> {
  const { operation, release, state, position, since, path, lines } = progress;
  const at = { name: position.state, since };
  const report = toReleaseReport({ operation, release, state, at, path, lines, ...defined({ end }) });
  return putReport(call, report);
}

/** Stores a report. A failed write does not stop the release: the next report follows soon. */
export async function putReport({ ctx }: Pick<AsgCall, "ctx">, value: ReleaseReport): Promise<void> {
  const { records, clock, logger, stackId } = ctx;
  const key = toReportKey(stackId);
  try {
    const decide = (_: unknown, now: number) => ({ write: { value, expiresAt: now + KEPT_MS } });
    await changeRecord({ records, clock, key, tries: MAX_TRIES, decide });
  } catch (error) {
    logger.warn("cannot write the report of a release", { error });
  }
}
