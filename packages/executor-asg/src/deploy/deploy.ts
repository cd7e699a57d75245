import { type Service, toServiceOrder } from "../document/release.ts";
import { throwIfHalted } from "../halt.ts";
import { planCapacity } from "../plan/capacity.ts";
import { type LaunchFacts, toGroupName } from "../plan/names.ts";
import { loadUserData } from "../plan/user-data.ts";
import { ReleaseError, toReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseState, ReleaseTask, ReleaseWork } from "../release-state.ts";
import { findMade, isOwn, launchService, type Made } from "./launch.ts";
import { deleteRetired } from "./teardown.ts";

/**
 * Creates the new groups, one service after the other. Throws `RELEASE_HALTED` or `RELEASE_TIMED_OUT` while there is
 * nothing to clean up, and `DEPLOY_FAILED` afterwards, also on a repeat. The error's `partial` contains what was
 * created. A repeat after a crash at any call continues.
 */
export const deploy: ReleaseTask = async (deps, work) => {
  const names = toNames(deps, work);
  const userData = await prepare(deps, work);
  const made = await look(deps, names);
  refuseStrangers(made, work);
  await deleteRetired(deps, work);
  let { state } = work;
  for (const service of toServiceOrder(work.release)) {
    const name = service.service_name;
    const facts = toFacts(deps, { ...work, state }, { service, serviceId: names.get(name) ?? "" });
    const plan = planCapacity(service.autoscaling, state.services[name]?.previous_desired_capacity);
    try {
      const known = await launchService(deps, facts, { userData: userData[name] ?? "", plan, made });
      state = { ...state, services: { ...state.services, [name]: known } };
    } catch (error) {
      deps.signal.throwIfAborted();
      throw toDeployError(error, name, state);
    }
  }
  return state;
};

/** Returns the names of the groups, by service. */
function toNames({ constants }: ReleaseDeps, { release, state }: ReleaseWork): ReadonlyMap<string, string> {
  const services = toServiceOrder(release);
  return new Map(services.map((each) => [each.service_name, toGroupName(release, each, { state, constants })]));
}

/** Checks the preconditions of the first creation. */
async function prepare(deps: ReleaseDeps, work: ReleaseWork): Promise<Readonly<Record<string, string>>> {
  try {
    const userData = await loadUserData(deps, work);
    await throwIfHalted(deps, work);
    return userData;
  } catch (error) {
    deps.signal.throwIfAborted();
    return stopDeploy(deps, work, error);
  }
}

/**
 * Stops Deploy before it creates anything. The given error is thrown, unless an earlier try has created something: only
 * a failed deployment cleans that up.
 */
export async function stopDeploy(deps: ReleaseDeps, work: ReleaseWork, error: unknown): Promise<never> {
  const made = await look(deps, toNames(deps, work));
  if (!hasOwn(made, work.state)) throw error;
  throw toReleaseError("DEPLOY_FAILED", asPlain(error), "The release was halted while it was creating its groups.");
}

function asPlain(error: unknown): unknown {
  return error instanceof ReleaseError ? new Error(error.message, { cause: error }) : error;
}

/** Throws `DEPLOY_FAILED` on errors, because an earlier try may have created something. */
async function look(deps: ReleaseDeps, names: ReadonlyMap<string, string>): Promise<Made> {
  try {
    return await findMade(deps, [...names.values()]);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("DEPLOY_FAILED", error, "Cannot look up groups with the same names.");
  }
}

function hasOwn({ groups, templates }: Made, { uuid }: ReleaseState): boolean {
  return [...groups.values(), ...templates.values()].some((each) => isOwn(each, uuid));
}

/**
 * Throws for resources of another release: names contain `created_at` to the second, so two releases could share them.
 */
function refuseStrangers(made: Made, { state }: ReleaseWork): void {
  const strangers = [
    ...[...made.groups].filter(([, each]) => !isOwn(each, state.uuid)).map(([name]) => `group "${name}"`),
    ...[...made.templates].filter(([, each]) => !isOwn(each, state.uuid)).map(([name]) => `launch template "${name}"`),
  ];
  if (strangers.length === 0) return;
  const message = `Already exists and belongs to another release: ${strangers.join(", ")}. Deploy with another created_at.`;
  throw new ReleaseError(hasOwn(made, state) ? "DEPLOY_FAILED" : "RELEASE_HALTED", message);
}

function toFacts(
  { constants, actor }: ReleaseDeps,
  { release, state }: ReleaseWork,
  { service, serviceId }: { readonly service: Service; readonly serviceId: string },
): LaunchFacts {
  const resources = state.services[service.service_name]?.resources;
  if (resources === undefined) {
    const message = `The resources of service "${service.service_name}" are unknown. Run ValidateResources first.`;
    throw new ReleaseError("DEPLOY_FAILED", message);
  }
  return { constants, release, state, service, resources, serviceId, ...(actor && { actor }) };
}

function toDeployError(error: unknown, service: string, partial: ReleaseState): ReleaseError {
  const { message, cause = error } = toReleaseError("DEPLOY_FAILED", error, "Cannot create the service.");
  return new ReleaseError("DEPLOY_FAILED", `Service(${service}) Error: ${message}`, { cause, partial });
}
