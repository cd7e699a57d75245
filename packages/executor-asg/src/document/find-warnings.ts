import type { RawAutoscaling, RawRelease, RawService } from "./raw-release.ts";
import { pointTo, type ReleaseWarning } from "./release-problem.ts";
import { DEFAULT_TIMEOUT_SECONDS } from "./to-release.ts";

/** Strategies that go on by looks, whether or not what they started is healthy. */
const UNGATED = /NoCanary$/;

/** What of a document is allowed, and had better be done in another way. */
export function findWarnings(raw: RawRelease): readonly ReleaseWarning[] {
  const { timeout = DEFAULT_TIMEOUT_SECONDS } = raw;
  return Object.entries(raw.services ?? {}).flatMap(([name, service]) => {
    const pointer = pointTo("/services", name);
    const warnings = [...warnOf(service ?? {}, pointer), ...warnOfBaking(service?.autoscaling ?? {}, timeout, pointer)];
    return warnings.map((warning) => ({ ...warning, message: `Service(${name}): ${warning.message}` }));
  });
}

function* warnOf(service: RawService, pointer: string): Generator<ReleaseWarning> {
  const { strategy = "AllAtOnce" } = service.autoscaling ?? {};
  const ungated = toUngated(strategy);
  if (ungated !== undefined) {
    yield { code: "release-strategy-ungated", pointer: pointTo(pointer, "autoscaling", "strategy"), message: ungated };
  }
  if (service.elbs?.length) {
    const message = "Classic load balancers are deprecated. Use target_groups.";
    yield { code: "release-elbs-deprecated", pointer: pointTo(pointer, "elbs"), message };
  }
  if (service.ebs_volume_type === "gp2") {
    const message = "gp3 costs less than gp2 and is at least as fast.";
    yield { code: "release-ebs-gp2", pointer: pointTo(pointer, "ebs_volume_type"), message };
  }
  yield* warnOfFirstVolume(service, pointer);
  yield* warnOfVolumes(service, pointer);
  yield* warnOfPeriods(service.autoscaling?.policies ?? [], pointTo(pointer, "autoscaling", "policies"));
  if (service.spot_price !== undefined && !service.instance_types?.length) {
    const message = "Spot capacity of one type alone is often not to be had. Name more in instance_types.";
    yield { code: "release-spot-one-type", pointer: pointTo(pointer, "spot_price"), message };
  }
  if (service.metadata_tokens === "optional") {
    const message = "Instance metadata without tokens can be read through a proxy on the instance. Use required.";
    yield { code: "release-metadata-tokens-optional", pointer: pointTo(pointer, "metadata_tokens"), message };
  }
}

function toUngated(strategy: string): string | undefined {
  if (UNGATED.test(strategy)) return `The steps of ${strategy} do not wait for health. Use GatedCanary or GatedSteps.`;
  if (strategy !== "OneThenAllWithCanary") return undefined;
  return `${strategy} goes on at the first healthy look, and where one instance is enough it ends with it. Use GatedCanary.`;
}

function* warnOfFirstVolume(service: RawService, pointer: string): Generator<ReleaseWarning> {
  if (service.ebs_volume_size !== undefined) return;
  for (const key of ["ebs_volume_type", "ebs_device_name"] as const) {
    if (service[key] === undefined) continue;
    const message = `${key} is of no effect without ebs_volume_size. Give the size, or remove it.`;
    yield { code: "release-ebs-without-size", pointer: pointTo(pointer, key), message };
  }
}

/** CloudWatch API reference, PutMetricAlarm, `Period`. */
function* warnOfPeriods(policies: NonNullable<RawAutoscaling["policies"]>, pointer: string): Generator<ReleaseWarning> {
  for (const [index, policy] of policies.entries()) {
    const { type, period = 300 } = policy ?? {};
    if ([10, 20, 30].includes(period) || period % 60 === 0) continue;
    const message = `Policy ${type}: period is ${period} s, and CloudWatch takes 10, 20, 30 and whole minutes alone.`;
    yield { code: "release-policy-period", pointer: pointTo(pointer, index, "period"), message };
  }
}

function* warnOfVolumes({ volumes = [] }: RawService, pointer: string): Generator<ReleaseWarning> {
  for (const [index, volume] of volumes.entries()) {
    if (volume?.type !== "gp2") continue;
    const message = "gp3 costs less than gp2 and is at least as fast.";
    yield { code: "release-ebs-gp2", pointer: pointTo(pointer, "volumes", index, "type"), message };
  }
}

function* warnOfBaking(raw: RawAutoscaling, timeout: number, pointer: string): Generator<ReleaseWarning> {
  const { strategy, steps = [], bake_time = 0 } = raw;
  const seconds = bake_time * (strategy === "GatedCanary" ? 1 : steps.length);
  if (seconds < timeout) return;
  const message = `The steps bake for ${seconds} s in all, and the release has ${timeout} s. Raise the release's timeout.`;
  yield { code: "release-bake-time-above-timeout", pointer: pointTo(pointer, "autoscaling", "bake_time"), message };
}
