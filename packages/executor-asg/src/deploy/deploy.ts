import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import type { Service } from "../document/release.ts";
import { type Capacity, nextCapacity, planCapacity } from "../plan/capacity.ts";
import { type LaunchFacts, toGroupName, toServiceOrder } from "../plan/names.ts";
import { loadUserData } from "../plan/user-data.ts";
import {
  decideHalt,
  failWith,
  type HaltOrder,
  type HealthReport,
  type ReleaseDeps,
  ReleaseError,
  type ReleaseState,
  type ReleaseTask,
  type ReleaseWork,
  type ServiceState,
  toReleaseError,
} from "../release-state.ts";
import { setCapacity } from "./drain.ts";
import { findMade, isOwn, launchService, type Made } from "./launch.ts";
import {
  checkGroup,
  completeCheck,
  type GroupLook,
  loadRingingAlarms,
  readTerminations,
  type ServiceLook,
  toHaltedState,
} from "./observe.ts";
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

/**
 * Checks every new group, reports its health, and sets the capacity wanted by its strategy. Terminations are evaluated
 * first, for all services, before any load balancer is queried. Then all services are checked; if any check fails, the
 * first failure is thrown and no capacity changes. An alarm of the release in ALARM pauses the release until it clears
 * or the timeout passes. Throws `RELEASE_HALTED`, `RELEASE_TIMED_OUT`, `INSTANCES_TERMINATED` (not retried) and
 * `HEALTH_CHECK_FAILED` (retried); the error's `partial` contains the results. Repeatable: it sets capacities and never
 * increments them.
 */
export const checkHealthy: ReleaseTask = async (deps, work) => {
  await throwIfHalted(deps, work);
  const round: Round = { deps, work, errors: [] };
  const listed = await collect(round, toServiceOrder(work.release), (service) => checkGroup(deps, work, service));
  await throwIfTerminated(round, listed);
  const counted = await collect(round, listed, (look) => readTerminations(deps, look));
  await throwIfTerminated(round, counted);
  const alarms = await loadRingingAlarms(deps, work.release.alarms).catch(
    failWith("HEALTH_CHECK_FAILED", "Cannot read the alarms of the release."),
  );
  const looks = await collect(round, counted, (look) => completeCheck(deps, look, alarms));
  for (const { service, judgement, causes } of looks) {
    report(deps, service.service_name, judgement.report, [...judgement.waitingFor, ...causes]);
  }
  const seen = Object.fromEntries(looks.map((look) => [look.service.service_name, toServiceState(look)]));
  const [first] = round.errors;
  if (first !== undefined) throw toRoundError(round, first, seen);
  const services = { ...work.state.services };
  for (const look of looks) {
    services[look.service.service_name] = await applyStrategy(deps, look, toServiceState(look), alarms.length > 0);
  }
  return { ...work.state, services, healthy: looks.every(({ judgement }) => judgement.healthy) };
};

/** One check of all services, with its failures so far. */
interface Round {
  readonly deps: ReleaseDeps;
  readonly work: ReleaseWork;
  readonly errors: ReleaseError[];
}

/** Runs a step for each service. A service that fails adds its error and is left out of the result. */
async function collect<Item, Result>(
  { deps, errors }: Round,
  items: readonly Item[],
  step: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const item of items) {
    try {
      results.push(await step(item));
    } catch (error) {
      deps.signal.throwIfAborted();
      errors.push(toReleaseError("HEALTH_CHECK_FAILED", error, "Cannot read the health of a service."));
    }
  }
  return results;
}

/** Throws for a halt without waiting for load balancers or unreadable services, because it is final. */
async function throwIfTerminated(round: Round, looks: readonly GroupLook[]): Promise<void> {
  if (looks.every(({ halt }) => halt === undefined)) return;
  const { deps, errors } = round;
  const seen: Record<string, ServiceState> = {};
  const halts: ReleaseError[] = [];
  for (const look of looks) {
    const name = look.service.service_name;
    const state = await toHaltedState(deps, look);
    const { healthy_report, causes = [] } = state;
    seen[name] = state;
    if (healthy_report) report(deps, name, healthy_report, causes);
    if (look.halt) halts.push(new ReleaseError(look.halt.code, withCauses(look.halt.message, causes)));
  }
  const [first] = halts;
  if (first !== undefined) throw toRoundError({ ...round, errors: [...halts, ...errors] }, first, seen);
}

const CAUSES_TOLD = 5;

/** Lists why services were not healthy at the last check: their groups are deleted afterwards. */
function listCauses({ services }: ReleaseState): readonly string[] {
  const causes = Object.entries(services).flatMap(([name, { healthy, causes: each = [] }]) =>
    healthy ? [] : each.map((cause) => `${name}: ${cause}`),
  );
  return causes.slice(0, CAUSES_TOLD);
}

function withCauses(message: string, causes: readonly string[]): string {
  return causes.length === 0 ? message : `${message} ${causes.join("; ")}.`;
}

function toRoundError(
  { work: { state }, errors }: Round,
  first: ReleaseError,
  seen: ReleaseState["services"],
): ReleaseError {
  const others = errors.filter((each) => each !== first).map(({ message }) => message);
  const partial = { ...state, healthy: false, services: { ...state.services, ...seen } };
  const message = [first.message, ...others].join("\n");
  return new ReleaseError(first.releaseCode, message, { cause: first.cause ?? first, partial });
}

function toServiceState({ known, judgement, causes, unhealthy }: ServiceLook): ServiceState {
  const { report, healthy, stable, terminated } = judgement;
  return { ...known, healthy_report: report, healthy, stable, terminated, causes: [...causes, ...unhealthy] };
}

async function applyStrategy(
  deps: ReleaseDeps,
  { service, group, plan, judgement }: ServiceLook,
  seen: ServiceState,
  held: boolean,
): Promise<ServiceState> {
  const { applied, changed, step } = nextCapacity({
    autoscaling: service.autoscaling,
    plan,
    group: { min: group.MinSize ?? 0, desired: group.DesiredCapacity ?? 0 },
    instances: { total: judgement.report.launching, healthy: judgement.report.healthy },
    now: deps.clock.now(),
    ...(seen.step && { step: seen.step }),
    held,
  });
  if (changed) await enlarge(deps, service.service_name, group, applied);
  return { ...seen, ...(step && { step }) };
}

async function enlarge(deps: ReleaseDeps, service: string, group: AutoScalingGroup, to: Capacity): Promise<void> {
  const what = `Group "${group.AutoScalingGroupName}" was not set to a desired capacity of ${to.desired}.`;
  await setCapacity(deps, group, to).catch(failWith("HEALTH_CHECK_FAILED", what));
  deps.report(`${service}: desired capacity ${to.desired}`);
}

function report(deps: ReleaseDeps, service: string, counts: HealthReport, reasons: readonly string[]): void {
  const { healthy, target_healthy, launching, terminating, desired_capacity } = counts;
  const ending = terminating > 0 ? `, ${terminating} terminating` : "";
  const text = `${healthy} of ${target_healthy} healthy, ${launching} launched${ending} (desired ${desired_capacity})`;
  deps.report([`${service}: ${text}`, ...reasons].join("; "));
}

/**
 * Throws `RELEASE_TIMED_OUT` or `RELEASE_HALTED` if the release must stop. Unreadable halt requests do not stop it, as
 * with the predecessor: the next check reads them again.
 */
async function throwIfHalted(deps: ReleaseDeps, { release, state }: ReleaseWork): Promise<void> {
  const { constants, clock } = deps;
  const halts = await readHalts(deps, release);
  const verdict = decideHalt({
    now: clock.now(),
    startedAt: Date.parse(state.started_at),
    createdAt: Date.parse(release.created_at),
    timeoutSeconds: release.timeout,
    halts,
    generation: constants.generation,
  });
  if (verdict.kind !== "halt") return;
  const causes = verdict.code === "RELEASE_TIMED_OUT" ? listCauses(state) : [];
  throw new ReleaseError(
    verdict.code,
    causes.length === 0 ? verdict.message : withCauses(`${verdict.message}:`, causes),
  );
}

async function readHalts(
  { memory, logger, signal }: ReleaseDeps,
  release: ReleaseWork["release"],
): Promise<readonly HaltOrder[] | "unreadable"> {
  try {
    return await memory.listHalts(release);
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("cannot read halt requests", { error });
    return "unreadable";
  }
}
