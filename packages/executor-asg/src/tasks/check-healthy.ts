import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { type Capacity, nextCapacity } from "../capacity/next-capacity.ts";
import { setCapacity } from "../drain/set-capacity.ts";
import { loadRingingAlarms } from "../observe/load-ringing-alarms.ts";
import { lookAtService, type ServiceLook } from "../observe/look-at-service.ts";
import type { ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState, ServiceState } from "../release-state.ts";
import { toServiceOrder } from "../service-order.ts";
import { toReleaseError } from "../to-release-error.ts";
import { throwIfHalted } from "./throw-if-halted.ts";

/**
 * Looks at every new group, says how it is, and takes it as far as its strategy wants. All services are looked at, whatever one of
 * them shows; then a halt decides, or else the first failure, and no group is changed. An alarm of the release in ALARM holds it up, until it
 * calms or the time is over. Throws `RELEASE_HALTED`, `RELEASE_TIMED_OUT`, `INSTANCES_TERMINATED` (not tried again) and
 * `HEALTH_CHECK_FAILED` (tried again); the error's `partial` has what was seen. Repeatable: it sets capacities, it adds none.
 */
export const checkHealthy: ReleaseTask = async (deps, work) => {
  await throwIfHalted(deps, work);
  const alarms = await readAlarms(deps, work);
  const { looks, errors } = await lookAtAll(deps, work, alarms);
  for (const look of looks) report(deps, look);
  // A halt is final, so that it need not wait until an unreadable service has been tried again.
  const first = errors.find(({ errorClass }) => errorClass === "HaltError") ?? errors[0];
  if (first !== undefined) throw toRoundError(first, errors, toSeen(work.state, looks));
  const services = { ...work.state.services };
  for (const look of looks) {
    const name = look.service.service_name;
    services[name] = await applyStrategy(deps, look, toServiceState(work.state, look), alarms.length > 0);
  }
  return { ...work.state, services, healthy: looks.every(({ judgement }) => judgement.healthy) };
};

async function readAlarms(deps: ReleaseDeps, { release }: ReleaseWork): Promise<readonly string[]> {
  try {
    return await loadRingingAlarms(deps, release.alarms);
  } catch (error) {
    throw toReleaseError("HEALTH_CHECK_FAILED", error, "The alarms of the release could not be read.");
  }
}

interface Round {
  readonly looks: readonly ServiceLook[];
  readonly errors: readonly ReleaseError[];
}

async function lookAtAll(deps: ReleaseDeps, work: ReleaseWork, alarms: readonly string[]): Promise<Round> {
  const { release, state } = work;
  const looks: ServiceLook[] = [];
  const errors: ReleaseError[] = [];
  for (const service of toServiceOrder(release)) {
    const known = state.services[service.service_name] ?? { healthy: false, stable: 0 };
    try {
      const look = await lookAtService(deps, { release, service, known, alarms });
      looks.push(look);
      const { halt } = look.judgement;
      if (halt !== undefined) errors.push(new ReleaseError(halt.code, withCauses(halt.message, look.causes)));
    } catch (error) {
      deps.signal.throwIfAborted();
      errors.push(toReleaseError("HEALTH_CHECK_FAILED", error, `Service "${service.service_name}".`));
    }
  }
  return { looks, errors };
}

function withCauses(message: string, causes: readonly string[]): string {
  return causes.length === 0 ? message : `${message} ${causes.join("; ")}.`;
}

function toRoundError(first: ReleaseError, errors: readonly ReleaseError[], partial: ReleaseState): ReleaseError {
  const others = errors.filter((each) => each !== first).map(({ message }) => message);
  const message = [first.message, ...others].join("\n");
  return new ReleaseError(first.releaseCode, message, { cause: first.cause ?? first, partial });
}

function toSeen(state: ReleaseState, looks: readonly ServiceLook[]): ReleaseState {
  const seen = looks.map((look) => [look.service.service_name, toServiceState(state, look)] as const);
  return { ...state, healthy: false, services: { ...state.services, ...Object.fromEntries(seen) } };
}

function toServiceState(state: ReleaseState, { service, judgement, causes }: ServiceLook): ServiceState {
  const { report, healthy, stable, terminated } = judgement;
  return { ...state.services[service.service_name], healthy_report: report, healthy, stable, terminated, causes };
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

function report({ report: say }: ReleaseDeps, { service, judgement, causes }: ServiceLook): void {
  const { healthy, target_healthy, launching, terminating, desired_capacity } = judgement.report;
  const going = terminating > 0 ? `, ${terminating} terminating` : "";
  const counts = `${healthy} of ${target_healthy} healthy, ${launching} launched${going} (desired ${desired_capacity})`;
  const reasons = [...judgement.waitingFor, ...causes].join("; ");
  say(`${service.service_name}: ${counts}${reasons && `; ${reasons}`}`);
}
