import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classifyInstances, mergeSource } from "./classify-instances.ts";

const anInstance = (LifecycleState?: string, HealthStatus?: string) => ({
  InstanceId: "i-1",
  LifecycleState,
  HealthStatus,
});

describe("classifyInstances", () => {
  it.each([
    ["InService", "Healthy", "healthy"],
    ["InService", "Unhealthy", "unhealthy"],
    ["InService", "healthy", "unhealthy"],
    ["InService", undefined, "unhealthy"],
    ["Pending", "Healthy", "unhealthy"],
    ["Pending:Wait", "Healthy", "unhealthy"],
    ["Standby", "Healthy", "unhealthy"],
    ["Detaching", "Healthy", "unhealthy"],
    ["Warmed:Running", "Healthy", "unhealthy"],
    ["Quarantined", "Healthy", "unhealthy"],
    ["", "Healthy", "unhealthy"],
    ["Terminating", "Healthy", "terminating"],
    ["Terminating:Wait", "Unhealthy", "terminating"],
    ["Terminating:Proceed", undefined, "terminating"],
    ["Terminated", "Unhealthy", "terminating"],
    ["Warmed:Terminating", "Healthy", "unhealthy"],
  ])("finds %s and %s to be %s", (lifecycleState, healthStatus, expected) => {
    expect(classifyInstances([anInstance(lifecycleState, healthStatus)])).toEqual({ "i-1": expected });
  });

  it("skips what has no lifecycle state or no id", () => {
    expect(classifyInstances([anInstance(undefined, "Healthy"), { LifecycleState: "InService" }])).toEqual({});
  });
});

describe("mergeSource", () => {
  const own = { "i-1": "healthy", "i-2": "healthy", "i-3": "unhealthy", "i-4": "terminating" } as const;

  it("asks classic load balancers for InService, and target groups for healthy", () => {
    const states = { "i-1": "InService", "i-2": "healthy" };

    expect(mergeSource(own, { kind: "classic", name: "elb", states })).toEqual({ ...own, "i-2": "unhealthy" });
    expect(mergeSource(own, { kind: "target-group", name: "tg", states })).toEqual({ ...own, "i-1": "unhealthy" });
  });

  it.each(["initial", "draining", "unused", "unhealthy", "unavailable", "Healthy", ""])(
    "takes %j for no health",
    (state) => {
      const states = { "i-1": state, "i-2": state, "i-3": state, "i-4": state };

      expect(mergeSource(own, { kind: "target-group", name: "tg", states })).toEqual({
        "i-1": "unhealthy",
        "i-2": "unhealthy",
        "i-3": "unhealthy",
        "i-4": "terminating",
      });
    },
  );

  it("finds nobody healthy whom the load balancer does not know", () => {
    expect(mergeSource(own, { kind: "classic", name: "elb", states: {} })).toEqual({
      "i-1": "unhealthy",
      "i-2": "unhealthy",
      "i-3": "unhealthy",
      "i-4": "terminating",
    });
  });

  it("adds no instance, heals none and revives none", () => {
    const health = fc.constantFrom("healthy", "unhealthy", "terminating");
    const ids = fc.constantFrom("i-1", "i-2", "i-3", "__proto__", "toString");
    const states = fc.dictionary(ids, fc.constantFrom("healthy", "InService", "draining"));
    fc.assert(
      fc.property(
        fc.dictionary(ids, health),
        states,
        fc.constantFrom("classic", "target-group"),
        (before, said, kind) => {
          const after = mergeSource(before, { kind, name: "lb", states: said });

          expect(Object.keys(after)).toEqual(Object.keys(before));
          for (const [id, is] of Object.entries(after)) {
            if (is === "healthy") expect(before[id]).toBe("healthy");
            expect(is === "terminating").toBe(before[id] === "terminating");
          }
        },
      ),
    );
  });
});
