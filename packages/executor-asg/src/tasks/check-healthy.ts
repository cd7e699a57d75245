import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { type Capacity, nextCapacity } from "../capacity/next-capacity.ts";
import { setCapacity } from "../drain/set-capacity.ts";
import { loadRingingAlarms } from "../observe/load-ringing-alarms.ts";
import {
  completeLook,
  type GroupLook,
  lookAtGroup,
  readTerminations,
  type ServiceLook,
  toHaltedState,
} from "../observe/look-at-service.ts";
import type { ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { HealthReport, ReleaseState, ServiceState } from "../release-state.ts";
import { toServiceOrder } from "../service-order.ts";
import { toReleaseError } from "../to-release-error.ts";
import { throwIfHalted } from "./throw-if-halted.ts";

/**
 * Looks at every new group, reports how it is, and takes it as far as its strategy wants. Terminations are evaluated first, for all
 * services: one with too many halts the release before any load balancer is asked. Then all services are looked at, whatever one
 * of them shows; the first failure decides, and no group is changed. An alarm of the release in ALARM holds it up, until it
 * calms or the time is over. Throws `RELEASE_HALTED`, `RELEASE_TIMED_OUT`, `INSTANCES_TERMINATED` (not tried again) and
 * `HEALTH_CHECK_FAILED` (tried again); the error's `partial` has what was seen. Repeatable: it sets capacities, it adds none.
 */
export const checkHealthy: ReleaseTask = async (deps, work) => {
  await throwIfHalted(deps, work);
  const round: Round = { deps, work, errors: [] };
  const listed = await collect(round, toServiceOrder(work.release), (service) => lookAtGroup(deps, work, service));
  await throwIfTerminated(round, listed);
  const counted = await collect(round, listed, (look) => readTerminations(deps, look));
  await throwIfTerminated(round, counted);
  const alarms = await readAlarms(deps, work);
  const looks = await collect(round, counted, (look) => completeLook(deps, look, alarms));
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

/** One look at all services, and what failed in it so far. */
interface Round {
  readonly deps: ReleaseDeps;
  readonly work: ReleaseWork;
  readonly errors: ReleaseError[];
}

/** Does a step for each service; one that fails adds its error to the round and is left out of the result. */
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
      errors.push(toReleaseError("HEALTH_CHECK_FAILED", error, "The health of a service could not be read."));
    }
  }
  return results;
}

/** A halt is final, so it waits neither for the load balancers nor for a service that cannot be read. */
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

async function readAlarms(deps: ReleaseDeps, { release }: ReleaseWork): Promise<readonly string[]> {
  try {
    return await loadRingingAlarms(deps, release.alarms);
  } catch (error) {
    throw toReleaseError("HEALTH_CHECK_FAILED", error, "The alarms of the release could not be read.");
  }
}

function toServiceState({ known, judgement, causes }: ServiceLook): ServiceState {
  const { report, healthy, stable, terminated } = judgement;
  return { ...known, healthy_report: report, healthy, stable, terminated, causes };
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
  try {
    await setCapacity(deps, group, to);
  } catch (error) {
    const what = `Group "${group.AutoScalingGroupName}" did not get a desired capacity of ${to.desired}.`;
    throw toReleaseError("HEALTH_CHECK_FAILED", error, what);
  }
  deps.report(`${service}: desired capacity ${to.desired}`);
}

function report(deps: ReleaseDeps, service: string, counts: HealthReport, reasons: readonly string[]): void {
  const { healthy, target_healthy, launching, terminating, desired_capacity } = counts;
  const ending = terminating > 0 ? `, ${terminating} terminating` : "";
  const text = `${healthy} of ${target_healthy} healthy, ${launching} launched${ending} (desired ${desired_capacity})`;
  deps.report([`${service}: ${text}`, ...reasons].join("; "));
}
