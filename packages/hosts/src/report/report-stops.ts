import { isMap, type ServiceDeps } from "@stackyard/core";
import { notify } from "@stackyard/core/services";
import type { PullPlace } from "./report-host.ts";

/** A repository that a host refuses reports to; without `repository`, all of the host. */
export interface StopInput {
  readonly host: string;
  readonly repository?: PullPlace["repository"];
}

type StopDeps = Pick<ServiceDeps, "records" | "clock">;

const KEEP_MS = 400 * 86_400_000;

const toKey = ({ host, repository }: StopInput): string => `hooks/report-stops/${host}/${repository?.id ?? "all"}`;

/** Notes that a host refuses reports. People are notified once, until reports continue and stop again. */
export async function noteStop(deps: StopDeps, stop: StopInput, reason: string): Promise<void> {
  const { records, clock } = deps;
  const { host, repository } = stop;
  const now = clock.now();
  const key = toKey(stop);
  const found = await records.get(key, now);
  const since = toSince(found?.value) ?? now;
  if (found === undefined) {
    await records.put({ key, value: { since }, expected: "absent", expiresAt: now + KEEP_MS, now });
  }
  const what = repository === undefined ? host : `${repository.fullName} at ${host}`;
  await notify(deps, {
    kind: "reports-stopped",
    key: `${key}/${since}`,
    title: `Reports to ${what} have stopped`,
    text: `${reason} Stacks continue. Check that the App is installed or the token is valid, and what it may do. Reports continue by themselves.`,
    data: { host, repository: repository?.fullName ?? null },
  });
}

/** Notes that a host takes reports to a repository. Returns true when it did not before. */
export async function endStop({ records, clock }: StopDeps, { host, repository }: StopInput): Promise<boolean> {
  const scopes: readonly StopInput[] = repository === undefined ? [{ host }] : [{ host }, { host, repository }];
  let hasEnded = false;
  for (const scope of scopes) {
    const found = await records.get(toKey(scope), clock.now());
    if (found === undefined) continue;
    await records.remove(found.key, found.version);
    hasEnded = true;
  }
  return hasEnded;
}

function toSince(value: unknown): number | undefined {
  const since = isMap(value) ? value["since"] : undefined;
  return typeof since === "number" ? since : undefined;
}
