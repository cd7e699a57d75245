import { expect, it } from "vitest";
import { toFleetTables } from "./fleet-tables.ts";
import { measureDeaths } from "./measure-deaths.ts";
import { measureDispatch } from "./measure-dispatch.ts";
import { measurePlan } from "./measure-plan.ts";

const shell = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

it("plans a fleet with a call for each thousand instances", async () => {
  const figures = await measurePlan({ name: "plan", instances: 1_500, config: shell });

  expect(figures).toMatchObject({ instances: 1_500, calls: 2 });
  expect(figures.seconds).toBeGreaterThan(0);
});

it("counts the commands of a fleet and the virtual time that they take", async () => {
  const config = { ...shell, maxConcurrency: "100%", targetsAbove: 1_000 };

  const figures = await measureDispatch({ name: "ids", instances: 120, config });

  expect(figures).toMatchObject({ sends: 3 });
  expect(figures.sentSeconds).toBeGreaterThanOrEqual(2);
  expect(figures.endedSeconds).toBeGreaterThan(40);
});

it("kills a control plane at some of its requests, and loses nothing", async () => {
  const figures = await measureDeaths({ instances: 60, deaths: 8 });

  expect(figures).toMatchObject({ instances: 60, deaths: expect.any(Number), lost: 0, twice: 0 });
  expect(figures.awaits).toBeGreaterThan(20);
  expect(figures.deaths).toBeGreaterThanOrEqual(5);
});

it("shows everything in tables", () => {
  const [plans, dispatches, deaths] = toFleetTables({
    plans: [{ name: "tags", instances: 10_000, calls: 10, seconds: 0.5, megabytes: 40.4 }],
    dispatches: [{ name: "ids", instances: 1_000, sends: 20, sentSeconds: 19, endedSeconds: 75.4 }],
    deaths: [{ instances: 100, awaits: 50, deaths: 100, lost: 0, twice: 0 }],
  });

  expect(plans?.rows).toEqual([["tags", "10,000", "10", "0.50", "40"]]);
  expect(dispatches?.rows).toEqual([["ids", "1,000", "20", "19 s", "1 min 15 s"]]);
  expect(deaths?.rows).toEqual([["100", "50", "100", "0", "0"]]);
});
