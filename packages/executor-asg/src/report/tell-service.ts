import type { ServiceReport } from "@stackyard/sdk/releases";

/** How the instances of a service stand, in words. */
export function tellService(service: ServiceReport): string {
  const { healthy, unhealthy, terminating, targetHealthy } = service;
  const missing = countMissing(service);
  return [
    `${healthy} of ${targetHealthy} healthy`,
    ...(unhealthy === 0 ? [] : [`${unhealthy} not yet`]),
    ...(terminating === 0 ? [] : [`${terminating} terminating`]),
    ...(missing === 0 ? [] : [`${missing} missing`]),
  ].join(", ");
}

/** Instances that are still to be launched. */
export function countMissing({ launching, targetLaunched }: ServiceReport): number {
  return Math.max(0, targetLaunched - launching);
}
