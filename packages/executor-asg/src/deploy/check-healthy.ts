import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { defined } from "@stackyard/core";
import { toServiceOrder } from "../document/release.ts";
import { explainTimeout, findTimeout, withCauses } from "../halt.ts";
import { type Capacity, nextCapacity } from "../plan/capacity.ts";
import { failWith, ReleaseError, toReleaseError } from "../release-errors.ts";
import type {
  HealthReport,
  ReleaseDeps,
  ReleaseState,
  ReleaseTask,
  ReleaseWork,
  ServiceState,
} from "../release-state.ts";
import {
  checkGroup,
  completeCheck,
  type GroupLook,
  loadRingingAlarms,
  readTerminations,
  type ServiceLook,
  toHaltedState,
} from "./observe.ts";
import { setCapacity } from "./set-capacity.ts";

/**
 * Checks every new group, reports its health, and sets the capacity wanted by its strategy. Terminations are evaluated
 * first, for all services, before any load balancer is queried. Then all services are checked; if any check fails, the
 * first failure is thrown and no capacity changes. An alarm of the release in ALARM pauses the release until it clears
 * or the timeout passes. A release whose time is over is checked once more: it is done if its groups are healthy. Throws
 * `RELEASE_HALTED`, `RELEASE_TIMED_OUT`, `INSTANCES_TERMINATED` (not retried) and `HEALTH_CHECK_FAILED` (retried); the
 * error's `partial` contains the results. Repeatable: it sets capacities and never increments them.
 */
export const checkHealthy: ReleaseTask = async (deps, work) => {
  const timeout = await findTimeout(deps, work);
  if (timeout === undefined) return checkOnce(deps, work, { mayGrow: true });
  const state = await checkOnce(deps, work, { mayGrow: false }).catch((error: unknown) => {
    const isFinal = !(error instanceof ReleaseError) || error.releaseCode !== "HEALTH_CHECK_FAILED";
    throw isFinal
      ? error
      : new ReleaseError("RELEASE_TIMED_OUT", timeout.message, {
          cause: error,
          ...defined({ partial: error.partial }),
        });
  });
  if (state.healthy) return state;
  const message = explainTimeout("Timeout: Halting Release", state);
  throw new ReleaseError("RELEASE_TIMED_OUT", message, { partial: state });
};

async function checkOnce(
  deps: ReleaseDeps,
  work: ReleaseWork,
  { mayGrow }: { readonly mayGrow: boolean },
): Promise<ReleaseState> {
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
  const services = { ...work.state.services, ...seen };
  for (const look of mayGrow ? looks : []) {
    const name = look.service.service_name;
    services[name] = await applyStrategy(deps, look, toServiceState(look), alarms.length > 0);
  }
  return { ...work.state, services, healthy: looks.every(({ judgement }) => judgement.healthy) };
}

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
