import type { Release } from "../document/release.ts";
import { assessRelease } from "../lookups/assess-release.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import type { ServiceResources } from "../release-state.ts";
import type { ReleaseVerdict } from "../resources/judge-release.ts";
import { findQuotaWarnings } from "./find-quota-warnings.ts";
import { planOffline, type ServicePlan } from "./plan-offline.ts";

/** What a release would do, if it may. */
export interface ReleasePlan {
  readonly services: readonly PlannedService[];
  /** Names of all groups that would go after success, also of services that are in the release no longer. */
  readonly predecessors: readonly string[];
  readonly previousReleaseId?: string;
  /** The slow start that is waited for before the old groups go. */
  readonly waitForDetachSeconds: number;
  /** Any of them refuses the release. */
  readonly problems: readonly PlanFinding[];
  readonly warnings: readonly { readonly message: string }[];
}

/** A service with what its names mean. */
export type PlannedService = ServicePlan & {
  /** Absent where a problem is. */
  readonly resources?: ServiceResources;
  /** Name of the group that it replaces. */
  readonly previousGroup?: string;
};

/** Something in the way of a release. */
export interface PlanFinding {
  readonly code: string;
  readonly message: string;
}

/** Looks at the account and changes nothing. Throws `BAD_RELEASE` where AWS cannot be asked at all. */
export async function planRelease(deps: ReleaseDeps, release: Release): Promise<ReleasePlan> {
  const verdict = await assessRelease(deps, release);
  const services = planOffline(release, toPrevious(verdict));
  const warnings = [...verdict.warnings, ...(await findQuotaWarnings(deps, services))];
  return {
    services: services.map((each) => withFound(each, verdict)),
    predecessors: verdict.old.map(({ name }) => name),
    ...(verdict.previousReleaseId !== undefined && { previousReleaseId: verdict.previousReleaseId }),
    waitForDetachSeconds: verdict.waitForDetachSeconds,
    problems: verdict.problems.map(({ code, message }) => ({ code, message })),
    warnings: warnings.map((message) => ({ message })),
  };
}

function toPrevious({ services }: ReleaseVerdict): Readonly<Record<string, number>> {
  const known = Object.entries(services).flatMap(([name, { previous }]) =>
    previous ? [[name, previous.desired]] : [],
  );
  return Object.fromEntries(known);
}

function withFound(plan: ServicePlan, { services }: ReleaseVerdict): PlannedService {
  const { resources, previous } = services[plan.service] ?? {};
  return { ...plan, ...(resources && { resources }), ...(previous && { previousGroup: previous.name }) };
}
