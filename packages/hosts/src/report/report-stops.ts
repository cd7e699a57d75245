import { defineRecordKind, notify, type RecordsDeps } from "@stackyard/core/services";
import { Type } from "typebox";
import type { PullPlace } from "./report-host.ts";

/** A repository that a host refuses reports to; without `repository`, all of the host. */
export interface StopInput {
  readonly host: string;
  readonly repository?: PullPlace["repository"];
}

const KEEP_MS = 400 * 86_400_000;

const reportStops = defineRecordKind({
  prefix: "hooks/report-stops/",
  value: Type.Object({ since: Type.Number() }),
  holds: "since when a host refuses reports",
  kept: "400 days, or until it accepts them",
  damaged: "missing",
});

const toName = ({ host, repository }: StopInput): string => `${host}/${repository?.id ?? "all"}`;

/** Notes that a host refuses reports. People are notified once, until reports continue and stop again. */
export async function noteStop(deps: RecordsDeps, stop: StopInput, reason: string): Promise<void> {
  const { host, repository } = stop;
  const { since } = await reportStops.change(deps, toName(stop), (found, now) =>
    found === undefined
      ? { since: now, write: { value: { since: now }, expiresAt: now + KEEP_MS } }
      : { since: found.value.since },
  );
  const what = repository === undefined ? host : `${repository.fullName} at ${host}`;
  await notify(deps, {
    kind: "reports-stopped",
    key: `${reportStops.toKey(toName(stop))}/${since}`,
    title: `Reports to ${what} have stopped`,
    text: `${reason} Stacks continue. Check that the App is installed or the token is valid, and what it may do. Reports continue by themselves.`,
    data: { host, repository: repository?.fullName ?? null },
  });
}

/** Notes that a host takes reports to a repository. Returns true when it did not before. */
export async function endStop(deps: RecordsDeps, { host, repository }: StopInput): Promise<boolean> {
  const scopes: readonly StopInput[] = repository === undefined ? [{ host }] : [{ host }, { host, repository }];
  let hasEnded = false;
  for (const scope of scopes) hasEnded = (await reportStops.remove(deps, toName(scope))) !== undefined || hasEnded;
  return hasEnded;
}
