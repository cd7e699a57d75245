import { planCapacity } from "../capacity/plan-capacity.ts";
import type { Service } from "../document/release.ts";
import { findMade, isOwn, type Made } from "../launch/find-made.ts";
import type { LaunchFacts } from "../launch/launch-facts.ts";
import { launchService } from "../launch/launch-service.ts";
import { loadUserData } from "../launch/load-user-data.ts";
import { toGroupName } from "../launch/to-group-name.ts";
import type { ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState } from "../release-state.ts";
import { deleteRetired } from "../retire/delete-retired.ts";
import { toServiceOrder } from "../service-order.ts";
import { toReleaseError } from "../to-release-error.ts";
import { throwIfHalted } from "./throw-if-halted.ts";

/**
 * Creates the new groups, one service after the other. Throws `RELEASE_HALTED` or `RELEASE_TIMED_OUT` as long as nothing is there
 * to clean up, and `DEPLOY_FAILED` from then on, also on a repeat; the error's `partial` has what was made. A repeat after a crash
 * at any call continues.
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

/** Names of the groups, by service. */
function toNames({ constants }: ReleaseDeps, { release, state }: ReleaseWork): ReadonlyMap<string, string> {
  const services = toServiceOrder(release);
  return new Map(services.map((each) => [each.service_name, toGroupName(release, each, { state, constants })]));
}

/** What must be before anything is created. */
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

/** Ends Deploy before it creates anything: as the error says, unless an earlier try has, which only the failure of a deployment cleans up. */
export async function stopDeploy(deps: ReleaseDeps, work: ReleaseWork, error: unknown): Promise<never> {
  const made = await look(deps, toNames(deps, work));
  if (!hasOwn(made, work.state)) throw error;
  throw toReleaseError("DEPLOY_FAILED", asPlain(error), "The release was stopped while it was creating its groups.");
}

function asPlain(error: unknown): unknown {
  return error instanceof ReleaseError ? new Error(error.message, { cause: error }) : error;
}

/** `DEPLOY_FAILED`, since nobody knows then whether an earlier try has made something. */
async function look(deps: ReleaseDeps, names: ReadonlyMap<string, string>): Promise<Made> {
  try {
    return await findMade(deps, [...names.values()]);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("DEPLOY_FAILED", error, "Looking for groups of the same names failed.");
  }
}

function hasOwn({ groups, templates }: Made, { uuid }: ReleaseState): boolean {
  return [...groups.values(), ...templates.values()].some((each) => isOwn(each, uuid));
}

/** Names have the seconds of `created_at`: two releases of one second would share them. */
function refuseStrangers(made: Made, { state }: ReleaseWork): void {
  const strangers = [
    ...[...made.groups].filter(([, each]) => !isOwn(each, state.uuid)).map(([name]) => `group "${name}"`),
    ...[...made.templates].filter(([, each]) => !isOwn(each, state.uuid)).map(([name]) => `launch template "${name}"`),
  ];
  if (strangers.length === 0) return;
  const message = `There already is ${strangers.join(" and ")}, of another release. Deploy with another created_at.`;
  throw new ReleaseError(hasOwn(made, state) ? "DEPLOY_FAILED" : "RELEASE_HALTED", message);
}

function toFacts(
  { constants, actor }: ReleaseDeps,
  { release, state }: ReleaseWork,
  { service, serviceId }: { readonly service: Service; readonly serviceId: string },
): LaunchFacts {
  const resources = state.services[service.service_name]?.resources;
  if (resources === undefined) {
    const message = `Nothing was found for service "${service.service_name}" before it is created. Validate its resources first.`;
    throw new ReleaseError("DEPLOY_FAILED", message);
  }
  return { constants, release, state, service, resources, serviceId, ...(actor && { actor }) };
}

function toDeployError(error: unknown, service: string, partial: ReleaseState): ReleaseError {
  const { message, cause = error } = toReleaseError("DEPLOY_FAILED", error, "It could not be created.");
  return new ReleaseError("DEPLOY_FAILED", `Service(${service}) Error: ${message}`, { cause, partial });
}
