import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CapacityRules, planCapacity } from "../plan/capacity.ts";
import { classifyInstances, evaluateHealth, type HealthInput, mergeSource } from "./health.ts";

const RULES: CapacityRules = { min_size: 1, max_size: 10, spread: 0.5 };
/** Desired 4, launched 6, healthy 2. */
const plan = planCapacity(RULES, 4);

/** Instances by what each is: `h`ealthy, `u`nhealthy, `t`erminating. Their ids are `i-0`, `i-1` and so on. */
function instances(text: string) {
  return [...text].map((letter, index) => ({
    InstanceId: `i-${index}`,
    LifecycleState: letter === "t" ? "Terminating" : letter === "h" ? "InService" : "Pending",
    HealthStatus: "Healthy",
  }));
}

function judge(text: string, input: Partial<HealthInput> = {}) {
  return evaluateHealth({
    autoscaling: { max_terms: 0, strategy: "AllAtOnce" },
    plan,
    sources: [],
    alarms: [],
    group: { min: 1, desired: 6, instances: instances(text) },
    countTerminations: "snapshot",
    terminated: [],
    stable: 0,
    stablePolls: 1,
    ...input,
  });
}

describe("evaluateHealth", () => {
  it("counts a server only where each of its target groups does, in any order (terraform-provider-aws#17405)", () => {
    const [good, bad] = ["healthy", "unhealthy"].map((state) => {
      return { kind: "target-group", name: state, states: { "i-0": state, "i-1": "healthy" } } as const;
    });
    const count = (...sources: HealthInput["sources"]) => judge("hh", { sources }).report.healthy;

    expect(good && bad && [count(good, good), count(good, bad), count(bad, good)]).toEqual([2, 1, 1]);
  });

  it("reports what it sees, and the group as it was before", () => {
    expect(judge("hhutt", { autoscaling: { max_terms: 2, strategy: "AllAtOnce" } })).toEqual({
      instances: { "i-0": "healthy", "i-1": "healthy", "i-2": "unhealthy", "i-3": "terminating", "i-4": "terminating" },
      report: {
        target_healthy: 2,
        target_launched: 6,
        healthy: 2,
        launching: 5,
        terminating: 2,
        terminating_ids: ["i-3", "i-4"],
        desired_capacity: 6,
        min_size: 1,
      },
      healthy: true,
      stable: 1,
      terminated: ["i-3", "i-4"],
      waitingFor: [],
    });
  });

  it("has the defaults of the document for what is left out", () => {
    const group = { min: 1, desired: 6, instances: instances("hht") };
    const judgement = evaluateHealth({ autoscaling: {}, plan, group, sources: [] });

    expect(judgement).toEqual(judge("hht"));
    expect(judgement.halt?.code).toBe("INSTANCES_TERMINATED");
  });

  it("finds a service healthy from its target on", () => {
    expect(judge("huuuuu")).toMatchObject({ healthy: false, stable: 0, waitingFor: ["healthy instances: 1 of 2"] });
    expect(judge("hhuuuu")).toMatchObject({ healthy: true, stable: 1, waitingFor: [] });
    expect(judge("hhhhhh").healthy).toBe(true);
  });

  it("finds an empty service healthy when nothing is needed", () => {
    const input = { plan: planCapacity({ min_size: 0, max_size: 3 }) };

    expect(judge("", input)).toMatchObject({ healthy: true, waitingFor: [] });
    expect(judge("").healthy).toBe(false);
  });

  it("believes the worst of Auto Scaling and all load balancers", () => {
    const sources = [
      { kind: "classic", name: "elb", states: { "i-0": "InService", "i-1": "InService", "i-2": "OutOfService" } },
      { kind: "target-group", name: "tg", states: { "i-0": "healthy", "i-2": "healthy", "i-3": "healthy" } },
    ] as const;

    expect(judge("hhhhu", { sources })).toMatchObject({
      instances: { "i-0": "healthy", "i-1": "unhealthy", "i-2": "unhealthy", "i-3": "unhealthy", "i-4": "unhealthy" },
      report: { healthy: 1, launching: 5 },
      healthy: false,
    });
  });

  it("does not count instances without a state", () => {
    const group = { min: 1, desired: 6, instances: [...instances("hh"), { InstanceId: "i-9" }] };

    expect(judge("", { group }).report).toMatchObject({ healthy: 2, launching: 2 });
  });
});

describe("evaluateHealth of ended instances", () => {
  const limit = (max_terms: number, strategy: HealthInput["autoscaling"]["strategy"] = "AllAtOnce") => {
    return { autoscaling: { max_terms, strategy } };
  };
  const haltOf = (...input: Parameters<typeof judge>) => judge(...input).halt?.code;

  it("halts above the limit, not at it", () => {
    expect(haltOf("hhh", limit(0))).toBeUndefined();
    expect(haltOf("hht", limit(0))).toBe("INSTANCES_TERMINATED");
    expect(haltOf("htt", limit(2))).toBeUndefined();
    expect(haltOf("ttt", limit(2))).toBe("INSTANCES_TERMINATED");
    expect(haltOf("hhh", limit(-1))).toBe("INSTANCES_TERMINATED");
  });

  it("is not healthy when it halts, and names some", () => {
    const group = { min: 1, desired: 20, instances: instances(`hh${"t".repeat(12)}`) };
    const judgement = judge("", { group, stable: 3 });

    expect(judgement).toMatchObject({ healthy: false, stable: 0 });
    expect(judgement.halt?.message).toBe(
      "Found terminating instances: 12, allowed are 0 (max_terms): i-2, i-3, i-4, i-5, i-6, i-7, i-8, i-9, i-10, i-11 and others.",
    );
  });

  it.each(["OneThenAllWithCanary", "GatedCanary"] as const)(
    "lets the only instance of %s not end at all",
    (strategy) => {
      expect(haltOf("t", limit(5, strategy))).toBe("INSTANCES_TERMINATED");
      expect(haltOf("u", limit(5, strategy))).toBeUndefined();
      expect(haltOf("tt", limit(5, strategy))).toBeUndefined();
      expect(haltOf("t", limit(5, "25PercentStepRolloutNoCanary"))).toBeUndefined();
    },
  );

  it("forgets those of earlier looks, unless it is to count all", () => {
    const earlier = { ...limit(1), terminated: ["i-a", "i-0"] };

    expect(haltOf("th", earlier)).toBeUndefined();
    expect(haltOf("hh", { ...earlier, countTerminations: "cumulative" })).toBe("INSTANCES_TERMINATED");
    expect(haltOf("th", { ...earlier, terminated: ["i-0"], countTerminations: "cumulative" })).toBeUndefined();
  });

  it("remembers each once, the first two hundred", () => {
    const many = Array.from({ length: 250 }, (_none, index) => `i-old-${index}`);

    expect(judge("tth", { ...limit(9), terminated: ["i-1", "i-a"] }).terminated).toEqual(["i-1", "i-a", "i-0"]);
    expect(judge("t", { ...limit(999), terminated: many }).terminated).toEqual(many.slice(0, 200));
    expect(haltOf("t", { ...limit(250), terminated: many, countTerminations: "cumulative" })).toBe(
      "INSTANCES_TERMINATED",
    );
  });
});

describe("evaluateHealth over several looks", () => {
  it("wants as many good looks in a row as asked", () => {
    const look = (text: string, stable: number) => {
      const judgement = judge(text, { stable, stablePolls: 3 });
      return [judgement.healthy, judgement.stable, judgement.waitingFor];
    };

    expect(look("hh", 0)).toEqual([false, 1, ["consecutive healthy checks: 1 of 3"]]);
    expect(look("hh", 1)).toEqual([false, 2, ["consecutive healthy checks: 2 of 3"]]);
    expect(look("hh", 2)).toEqual([true, 3, []]);
    expect(look("hu", 2)).toEqual([false, 0, ["healthy instances: 1 of 2"]]);
    expect(look("hh", 5)).toEqual([true, 6, []]);
  });

  it("is held by an alarm, and begins again afterwards", () => {
    expect(judge("hh", { stable: 2, stablePolls: 3, alarms: ["errors", "latency"] })).toMatchObject({
      healthy: false,
      stable: 0,
      waitingFor: ["alarms in ALARM: errors, latency"],
    });
  });

  it("is not healthy before the last step of a gated rollout", () => {
    const gated = planCapacity({ ...RULES, strategy: "GatedSteps", steps: [1, 3] }, 4);
    const autoscaling = { max_terms: 0, strategy: "GatedSteps" } as const;
    const look = (step?: HealthInput["step"]) => {
      const { healthy, waitingFor } = judge("hhh", { autoscaling, plan: gated, step });
      return [healthy, waitingFor];
    };

    expect(look()).toEqual([false, ["step 1 of 3"]]);
    expect(look({ index: 1 })).toEqual([false, ["step 2 of 3"]]);
    expect(look({ index: 2 })).toEqual([true, []]);
  });

  it("finds the canary of the predecessor healthy by itself, as it did", () => {
    const canary = planCapacity({ min_size: 1, max_size: 10, spread: 0.9, strategy: "OneThenAllWithCanary" }, 4);

    expect(judge("h", { plan: canary, autoscaling: { max_terms: 0, strategy: "OneThenAllWithCanary" } }).healthy).toBe(
      true,
    );
  });

  it("says what is missing exactly when it is not healthy and does not halt", () => {
    const text = fc.array(fc.constantFrom("h", "u", "t"), { maxLength: 8 }).map((letters) => letters.join(""));
    const input = fc.record({
      autoscaling: fc.record({ max_terms: fc.nat(3), strategy: fc.constant("AllAtOnce" as const) }),
      stable: fc.nat(3),
      stablePolls: fc.integer({ min: 1, max: 3 }),
      alarms: fc.subarray(["a"]),
      countTerminations: fc.constantFrom("snapshot", "cumulative"),
      terminated: fc.subarray(["i-x", "i-y", "i-0"]),
    });
    fc.assert(
      fc.property(text, input, (seen, more) => {
        const { healthy, halt, waitingFor, report, stable } = judge(seen, more);

        if (halt === undefined) expect(healthy).toBe(waitingFor.length === 0);
        if (healthy) expect(report.healthy).toBeGreaterThanOrEqual(report.target_healthy);
        if (healthy) expect(stable).toBeGreaterThanOrEqual(more.stablePolls);
        expect(report.healthy + report.terminating).toBeLessThanOrEqual(report.launching);
      }),
    );
  });
});

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

  it("counts instances that the load balancer does not know as unhealthy", () => {
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
