import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";
import { createTargetStates } from "./targets.ts";

const ID = "i-00000001";
const instant = fc.integer({ min: 1, max: 1_000 });

describe("a target", () => {
  it("is checked, then as its course says, at any instant", () => {
    fc.assert(
      fc.property(instant, instant, instant, (healthyAt, wellFor, now) => {
        const targets = createTargetStates();
        const unhealthyAt = healthyAt + wellFor;
        targets.register({ id: ID }, { healthyAt, unhealthyAt });

        const expected = now < healthyAt ? "initial" : now < unhealthyAt ? "healthy" : "unhealthy";
        expect(targets.find(ID, now)).toEqual({ id: ID, port: undefined, state: expected });
      }),
    );
  });

  it("drains for its whole period, however often it is deregistered, and is gone", () => {
    fc.assert(
      fc.property(instant, instant, fc.array(instant, { maxLength: 5 }), (now, drainMs, again) => {
        const targets = createTargetStates();
        targets.register({ id: ID }, { healthyAt: 0 });
        const endsAt = targets.deregister({ id: ID }, { now, drainMs });

        for (const later of again.filter((each) => each < drainMs)) {
          expect(targets.deregister({ id: ID }, { now: now + later, drainMs })).toBe(endsAt);
        }
        expect(endsAt).toBe(now + drainMs);
        expect(targets.find(ID, endsAt - 1)?.state).toBe("draining");
        expect([targets.find(ID, endsAt), targets.list(endsAt)]).toEqual([undefined, []]);
      }),
    );
  });

  it("is as it was set last, even where its course had said otherwise", () => {
    const targets = createTargetStates();
    targets.register({ id: ID, port: 80 }, { healthyAt: 10 });
    targets.set({ id: ID, port: 80, state: "unavailable", at: 20 });

    expect([5, 10, 20].map((now) => targets.find(ID, now)?.state)).toEqual(["initial", "healthy", "unavailable"]);
  });

  it("never becomes healthy where its course never says so", () => {
    const targets = createTargetStates();
    targets.register({ id: ID }, { healthyAt: Number.POSITIVE_INFINITY });

    expect(targets.find(ID, Number.MAX_SAFE_INTEGER)?.state).toBe("initial");
  });

  it("is unknown before it is registered, and known afterwards", () => {
    const targets = createTargetStates();

    const before = [targets.knows(ID), targets.find(ID, 0), targets.deregister({ id: ID }, { now: 5, drainMs: 9 })];
    targets.set({ id: ID, state: "healthy", at: 100 });

    expect(before).toEqual([false, undefined, 5]);
    expect([targets.knows(ID), targets.find(ID, 99)]).toEqual([true, undefined]);
  });
});

const PLACE = { account: ACCOUNT, region: "eu-west-1" };

/** One load balancer of each kind, both with a drain of a minute. */
function createSources() {
  const { sim, clock } = createWorld();
  const input = { ...PLACE, name: "web", deregistrationDelaySeconds: 60 };
  const targetGroup = { ...PLACE, kind: "targetGroup" as const, id: sim.loadBalancing.addTargetGroup(input) };
  sim.classicLoadBalancing.addLoadBalancer({ ...PLACE, name: "old", drainSeconds: 60 });
  const classic = { ...PLACE, kind: "classic" as const, id: "old" };
  return { sim, clock, sources: { targetGroup, classic } };
}

describe.each(["targetGroup", "classic"] as const)("a traffic source of kind %s", (kind) => {
  it("is there in its own account and region", () => {
    const { sim, sources } = createSources();
    const source = sources[kind];

    const found = [source, { ...source, account: "999988887777" }, { ...source, region: "us-east-1" }];

    expect(found.map(sim.traffic.exists)).toEqual([true, false, false]);
    expect(sim.traffic.exists({ ...source, id: "none" })).toBe(false);
  });

  it("finds an instance healthy while its course says so", () => {
    const { sim, clock, sources } = createSources();
    const now = clock.now();
    sim.traffic.register(sources[kind], ID, { healthyAt: now + 10, unhealthyAt: now + 20 });

    const healthy = [0, 9, 10, 19, 20].map((ms) => sim.traffic.isHealthy(sources[kind], ID, now + ms));

    expect(healthy).toEqual([false, false, true, true, false]);
  });

  it("drains an instance once, and forgets it then", () => {
    const { sim, clock, sources } = createSources();
    const now = clock.now();
    sim.traffic.register(sources[kind], ID, { healthyAt: now });

    const gone = sim.traffic.deregister(sources[kind], ID, now);
    const again = sim.traffic.deregister(sources[kind], ID, now + 30_000);
    const later = sim.traffic.deregister(sources[kind], ID, now + 70_000);

    expect([gone, again, later]).toEqual([now + 60_000, now + 60_000, now + 70_000]);
    expect(sim.traffic.isHealthy(sources[kind], ID, now + 1)).toBe(false);
  });

  it("takes an instance back that drains", () => {
    const { sim, clock, sources } = createSources();
    const now = clock.now();
    sim.traffic.register(sources[kind], ID, { healthyAt: now });
    sim.traffic.deregister(sources[kind], ID, now);

    sim.traffic.register(sources[kind], ID, { healthyAt: now + 5 });

    expect(sim.traffic.isHealthy(sources[kind], ID, now + 5)).toBe(true);
  });

  it("does not drain unknown targets, or any target of a deleted group", () => {
    const { sim, clock, sources } = createSources();
    const gone = { ...sources[kind], id: "none" };

    sim.traffic.register(gone, ID, { healthyAt: 0 });

    expect(sim.traffic.deregister(sources[kind], ID, clock.now())).toBe(clock.now());
    expect(sim.traffic.deregister(gone, ID, clock.now())).toBe(clock.now());
    expect(sim.traffic.isHealthy(gone, ID, clock.now())).toBe(false);
  });
});

describe("a drain", () => {
  it("can be shorter than the delay, and without an end", () => {
    const { sim, clock } = createSources();
    const now = clock.now();
    const ends = [1_000, Number.POSITIVE_INFINITY].map((drainsForMs) => {
      const id = sim.loadBalancing.addTargetGroup({ ...PLACE, name: `for-${drainsForMs}`, drainsForMs });
      sim.traffic.register({ ...PLACE, kind: "targetGroup", id }, ID, { healthyAt: now });
      return sim.traffic.deregister({ ...PLACE, kind: "targetGroup", id }, ID, now);
    });

    expect(ends).toEqual([now + 1_000, Number.POSITIVE_INFINITY]);
  });
});

describe("an instance under two ports", () => {
  it("is listed under both, and drains under both", () => {
    const now = 1_000;
    const targets = createTargetStates();
    for (const port of [80, 81]) targets.register({ id: ID, port }, { healthyAt: now });

    const listed = targets.list(now).map(({ port }) => port);
    targets.deregister({ id: ID }, { now, drainMs: 10 });

    expect(listed).toEqual([80, 81]);
    expect(targets.list(now).map(({ state }) => state)).toEqual(["draining", "draining"]);
    expect([targets.list(now + 10), targets.knows(ID)]).toEqual([[], true]);
  });
});
