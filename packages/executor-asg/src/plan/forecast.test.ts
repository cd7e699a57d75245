import { describe, expect, it } from "vitest";
import type { Strategy } from "../document/release.ts";
import { anAutoscaling, aRelease, aService } from "../testing/builders.ts";
import { forecastRelease } from "./forecast.ts";

function aReleaseBy(strategy: Strategy, over: Partial<ReturnType<typeof anAutoscaling>> = {}) {
  const autoscaling = anAutoscaling({ min_size: 1, max_size: 10, strategy, ...over });
  return aRelease({ services: { web: aService({ autoscaling }) } });
}

const ODIN = { generation: "odin" } as const;

describe("forecastRelease", () => {
  it("is the earliest possible success: boot, one poll, slow start and the wait after the detach", () => {
    const forecast = forecastRelease(aReleaseBy("AllAtOnce"), { web: 4 }, { ...ODIN, slowStartSeconds: 30 });

    expect(forecast).toEqual({
      services: { web: { steps: [{ afterSeconds: 0, desired: 4 }], healthyAfterSeconds: 105 } },
      healthyAfterSeconds: 105,
      doneAfterSeconds: 140,
    });
  });

  it("takes no capacity from what every object has", () => {
    const { web } = aReleaseBy("AllAtOnce").services;
    const release = aRelease({ services: { constructor: web ?? aService(), toString: web ?? aService() } });

    const { services } = forecastRelease(release, {}, ODIN);

    expect(Object.values(services).map(({ steps }) => steps)).toEqual([
      [{ afterSeconds: 0, desired: 1 }],
      [{ afterSeconds: 0, desired: 1 }],
    ]);
  });

  it("has the shorter waits of the first generation", () => {
    const forecast = forecastRelease(aReleaseBy("AllAtOnce"), {}, { generation: "step-asg-deployer" });

    expect([forecast.healthyAfterSeconds, forecast.doneAfterSeconds]).toEqual([45, 45]);
  });

  it("forecasts check by check with the predecessor's strategies", () => {
    const { services } = forecastRelease(aReleaseBy("25PercentStepRolloutNoCanary"), { web: 8 }, ODIN);

    expect(services["web"]).toEqual({
      steps: [
        { afterSeconds: 0, desired: 2 },
        { afterSeconds: 105, desired: 4 },
        { afterSeconds: 120, desired: 6 },
        { afterSeconds: 135, desired: 8 },
      ],
      healthyAfterSeconds: 150,
    });
  });

  it("waits for the bake time of each gate", () => {
    const release = aReleaseBy("GatedSteps", { steps: [1, "50%"], bake_time: 60 });

    expect(forecastRelease(release, { web: 4 }, ODIN).services["web"]).toEqual({
      steps: [
        { afterSeconds: 0, desired: 1 },
        { afterSeconds: 165, desired: 2 },
        { afterSeconds: 240, desired: 4 },
      ],
      healthyAfterSeconds: 255,
    });
  });

  it("counts the required healthy polls in a row", () => {
    const release = { ...aReleaseBy("AllAtOnce"), stable_polls: 3 };

    expect(forecastRelease(release, {}, ODIN).healthyAfterSeconds).toBe(135);
  });

  it("says nothing where the timeout is too short for it", () => {
    const release = { ...aReleaseBy("GatedCanary", { bake_time: 600 }), timeout: 300 };

    expect(forecastRelease(release, { web: 4 }, ODIN)).toMatchObject({
      healthyAfterSeconds: undefined,
      doneAfterSeconds: undefined,
      services: { web: { steps: [{ afterSeconds: 0, desired: 1 }] } },
    });
  });

  it("is as late as the last service", () => {
    const [all, slow] = [aReleaseBy("AllAtOnce"), aReleaseBy("OneThenAllWithCanary")];
    const services = { ...all.services, worker: slow.services["web"] ?? aService() };

    expect(forecastRelease({ ...all, services }, { web: 4, worker: 4 }, ODIN).healthyAfterSeconds).toBe(120);
  });
});
