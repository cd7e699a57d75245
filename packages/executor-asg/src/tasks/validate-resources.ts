import type { Release } from "../document/release.ts";
import { assessRelease } from "../lookups/assess-release.ts";
import type { ReleaseDeps, ReleaseTask } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState, ServiceState } from "../release-state.ts";
import type { ReleaseVerdict } from "../resources/judge-release.ts";
import { toServiceOrder } from "../service-order.ts";

/**
 * Finds what the names of a release mean, whether it may use that, and which groups it follows on. Changes nothing. Throws
 * `BAD_RELEASE` with every problem, a line each.
 */
export const validateResources: ReleaseTask = async (deps, { release, state }) => {
  const verdict = await assessRelease(deps, release);
  report(deps, verdict);
  const [first] = verdict.problems;
  if (first !== undefined) {
    const message = verdict.problems.map((each) => each.message).join("\n");
    throw new ReleaseError("BAD_RELEASE", message, first.cause === undefined ? {} : { cause: first.cause });
  }
  return toState(state, release, verdict);
};

function report({ report: tell, logger }: ReleaseDeps, { warnings }: ReleaseVerdict): void {
  for (const warning of warnings) {
    tell(`warning: ${warning}`);
    logger.warn(warning);
  }
}

function toState(state: ReleaseState, release: Release, verdict: ReleaseVerdict): ReleaseState {
  const services = toServiceOrder(release).map(({ service_name: name }): [string, ServiceState] => {
    const { resources, previous } = verdict.services[name] ?? {};
    const known = { healthy: false, stable: 0, ...(resources && { resources }) };
    return [name, previous === undefined ? known : { ...known, previous_desired_capacity: previous.desired }];
  });
  return {
    ...state,
    wait_for_detach: verdict.waitForDetachSeconds,
    services: Object.fromEntries(services),
    ...(verdict.previousReleaseId !== undefined && { previous_release_id: verdict.previousReleaseId }),
  };
}
