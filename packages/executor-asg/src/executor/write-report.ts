import type { ReleaseEnd, ReleaseReport } from "@stackyard/sdk/releases";
import { toReleaseReport, toReportKey } from "../report/to-release-report.ts";
import type { AsgCall } from "./asg-call.ts";
import type { ReleaseProgress } from "./release-progress.ts";

const KEPT_MS = 30 * 24 * 3_600_000;
const MAX_TRIES = 3;

/** Writes down how far a release is, for whoever watches its run. */
export function writeReport(call: AsgCall, progress: ReleaseProgress, end?: ReleaseEnd): Promise<void> {
  const { operation, release, state, position, since, path, lines } = progress;
  const at = { name: position.state, since };
  const report = toReleaseReport({ operation, release, state, at, path, lines, ...(end === undefined ? {} : { end }) });
  return putReport(call, report);
}

/** A report that cannot be written stops no release: the next one comes soon. */
export async function putReport({ ctx }: Pick<AsgCall, "ctx">, value: ReleaseReport): Promise<void> {
  const { records, clock, logger, stackId } = ctx;
  const key = toReportKey(stackId);
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const now = clock.now();
      const expected = (await records.get(key, now))?.version ?? ("absent" as const);
      const { kind } = await records.put({ key, value, expected, now, expiresAt: now + KEPT_MS });
      if (kind === "written") return;
    }
  } catch (error) {
    logger.warn("the report of a release could not be written", { error });
  }
}
