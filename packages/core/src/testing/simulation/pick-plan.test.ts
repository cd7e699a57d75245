import { describe, expect, it } from "vitest";
import { pickPlan } from "./pick-plan.ts";
import { createPlannedMachines } from "./planned-machines.ts";

const drawn = Array.from({ length: 300 }, (_, seed) => pickPlan(seed));
const plans = drawn.map(({ plan }) => plan);

describe("drawn plans", () => {
  it("are the same for the same seed", () => {
    expect(pickPlan(7)).toEqual(pickPlan(7));
  });

  it("have machines that compile, of both versions", () => {
    for (const { machines } of plans) createPlannedMachines(machines);

    expect(new Set(plans.flatMap(({ machines }) => machines.map(({ version }) => version)))).toEqual(new Set([1, 2]));
  });

  it("hold every kind of action, in the order of their instants", () => {
    const kinds = new Set(plans.flatMap(({ actions }) => actions.map((action) => action.do)));
    const unsorted = plans.filter(({ actions }) =>
      actions.some(({ atMs }, index) => atMs < (actions[index - 1]?.atMs ?? 0)),
    );

    expect([...kinds].sort()).toEqual([
      "deploy",
      "freeze",
      "kill",
      "lose-leases",
      "plugin",
      "redrive",
      "revise",
      "run",
      "send",
      "stop",
    ]);
    expect(unsorted).toEqual([]);
  });

  it("take all nodes away for minutes in some runs, and in most of them never", () => {
    const away = plans.filter(({ nodes, actions }) => {
      const long = actions.filter((action) => "downMs" in action && action.downMs > 120_000);
      return new Set(long.map((action) => Reflect.get(action, "node"))).size === nodes.length;
    });

    expect(away.length).toBeGreaterThan(15);
    expect(away.length).toBeLessThan(100);
  });

  it("send every kind of event, some of them twice", () => {
    const sent = plans.flatMap(({ actions, seed }) =>
      actions.flatMap((action) => (action.do === "send" ? [{ ...action.message, seed }] : [])),
    );
    const names = new Set(sent.map((message) => String(Reflect.get(message, "event"))));
    const ids = sent.map((message) => `${message.seed} ${Reflect.get(message, "id")}`);

    expect([...names].sort()).toEqual([
      "APPROVE_TASK",
      "BACK",
      "CANCEL_TASK",
      "GO",
      "REJECT_TASK",
      "REMOVE_STACK",
      "RETRY_FAILED_TASKS",
      "RETRY_PENDING_TASKS",
      "SETTLE_TASK",
      "STAY",
      "TASK_COMPLETED",
      "TASK_ERROR",
      "UNDECLARED",
      "UPGRADE_STACK",
      "WITHDRAW_APPROVAL",
    ]);
    expect(new Set(ids).size).toBeLessThan(ids.length);
  });

  it("leave every kind of fault out in some runs", () => {
    const kinds = Object.keys(drawn[0]?.chaos ?? {}) as (keyof (typeof drawn)[number]["chaos"])[];

    const always = kinds.filter((kind) => drawn.every(({ chaos }) => chaos[kind] > 0));
    const never = kinds.filter((kind) => drawn.every(({ chaos }) => chaos[kind] === 0));

    expect([always, never]).toEqual([[], []]);
  });

  it("have events that come by the store or by a queue, and are parked or dropped", () => {
    const media = new Set(plans.map(({ medium, refusedEvents }) => `${medium} ${refusedEvents}`));

    expect([...media].sort()).toEqual(["queue drop", "queue undefined", "undefined drop", "undefined undefined"]);
  });

  it("have clocks that differ, in some runs by more than a lease", () => {
    const skews = plans.flatMap(({ nodes }) => nodes.map(({ skewMs }) => skewMs));

    expect([Math.min(...skews), Math.max(...skews), skews.includes(0)]).toEqual([-90_000, 90_000, true]);
  });
});
