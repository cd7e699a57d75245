import { TARGET } from "./a-release.ts";
import type { AsgYard } from "./an-asg-yard.ts";
import type { CallGuard } from "./crash-at.ts";

/** What no release may ever do, looked at after each call. */
export interface TrafficWatch extends CallGuard {
  readonly faults: readonly string[];
}

const OLD_RELEASE = "release-1";

/** Sees whether an old group is deleted, or loses its traffic, before the new one has enough healthy servers. */
export function watchTraffic({ world }: AsgYard, needed: number): TrafficWatch {
  const faults: string[] = [];
  const standing = new Set<string>();
  const list = () => world.sim.autoScaling.listGroups({ account: TARGET.account, region: TARGET.region });

  function countHealthy(service: string): number {
    const fresh = list().filter(({ tags, isDeleting }) => !isDeleting && tags["ReleaseID"] !== OLD_RELEASE);
    return fresh
      .filter(({ tags }) => tags["ServiceName"] === service)
      .flatMap(({ instances }) => instances)
      .filter(({ lifecycleState, healthStatus }) => lifecycleState === "InService" && healthStatus === "Healthy")
      .length;
  }

  /** An old group that loses its load balancers, or that is being deleted now and was not before. */
  function isTaken(
    call: string,
    { name, isDeleting }: { readonly name: string; readonly isDeleting: boolean },
  ): boolean {
    if (!isDeleting) standing.add(name);
    return isDeleting ? standing.delete(name) : call === `Detach ${name}`;
  }

  function look(call: string): void {
    for (const group of list().filter(({ tags }) => tags["ReleaseID"] === OLD_RELEASE)) {
      if (!isTaken(call, group)) continue;
      const healthy = countHealthy(group.tags["ServiceName"] ?? "");
      if (healthy >= needed) continue;
      faults.push(`${call} took ${group.name} with ${healthy} of ${needed} healthy servers in its place.`);
    }
  }

  return {
    faults,
    async around(name, call, group) {
      const result = await call();
      look(name.startsWith("Detach") ? `Detach ${group}` : name);
      return result;
    },
  };
}
