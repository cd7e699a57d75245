import { describe, expect, it } from "vitest";
import { anAutoscaling, aRelease, aService } from "../testing/a-release.ts";
import { planOffline } from "./plan-offline.ts";

describe("planOffline", () => {
  it("gives the figures of each service, with the group before where there is one", () => {
    const autoscaling = anAutoscaling({ min_size: 2, max_size: 10, spread: 0.5 });
    const api = aService({ service_name: "api", autoscaling });
    const web = aService({ autoscaling, depends_on: ["worker"] });
    const worker = aService({ service_name: "worker" });

    expect(planOffline(aRelease({ services: { web, worker, api } }), { web: 6 })).toEqual([
      {
        service: "api",
        serviceId: "org/shop-production-2026-01-01T00-00-00Z-api",
        strategy: "AllAtOnce",
        desired: 2,
        targetLaunched: 3,
        targetHealthy: 2,
        initial: { min: 2, desired: 3, max: 10 },
        steps: [],
      },
      {
        service: "worker",
        serviceId: "org/shop-production-2026-01-01T00-00-00Z-worker",
        strategy: "AllAtOnce",
        desired: 1,
        targetLaunched: 1,
        targetHealthy: 1,
        initial: { min: 1, desired: 1, max: 1 },
        steps: [],
      },
      {
        service: "web",
        serviceId: "org/shop-production-2026-01-01T00-00-00Z-web",
        strategy: "AllAtOnce",
        previous: 6,
        desired: 6,
        targetLaunched: 9,
        targetHealthy: 3,
        initial: { min: 2, desired: 9, max: 10 },
        steps: [],
      },
    ]);
  });

  it("takes a group before of −1, and one of a service that is not there, for none", () => {
    const plans = planOffline(aRelease(), { web: -1, worker: 5 });

    expect(plans).toHaveLength(1);
    expect(plans[0]).not.toHaveProperty("previous");
    expect(plans[0]).toMatchObject({ desired: 1 });
  });
});
