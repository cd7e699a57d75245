import { startFreeze } from "@stackyard/core/services";
import type { Simulator } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import {
  aReleaseYard,
  type ReleaseYard,
  type ReleaseYardInput,
  TENANT,
  TO_TENANTS,
  toReleaseMachine,
} from "../testing/a-release-yard.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Environments that a monitor, a timer or a person can bring into trouble, each in its own way. */
const WATCHED = TENANT.replace(
  "  LIVE: { on: { RELEASED: BUILD, PUSHED: no-op, CHECK: CHECKING, PAUSE: PAUSED, END: GONE } }",
  `  LIVE: { on: { RELEASED: BUILD, CHECK: CHECKING, PAUSE: PAUSED, UNHEALTHY: BROKEN, WAIT: WAITING, END: GONE } }
  WAITING: { timeout: 10m, on: { HEALTHY: LIVE } }`,
)
  .replace("RELEASED: PAUSED }", "HEALTHY: LIVE }")
  .replace("BROKEN: { on: { RELEASED: BUILD } }", "BROKEN: { on: { RELEASED: BUILD, HEALTHY: LIVE } }")
  .replace("  PAUSE: {}", "  PAUSE: {}\n  UNHEALTHY: {}\n  HEALTHY: {}\n  WAIT: {}");

/** A release whose soak over the tenants is 2 h. */
function aSoakingYard(input: ReleaseYardInput & { readonly to?: object } = {}): ReleaseYard {
  const { to = {}, ...rest } = input;
  const tasks = {
    tenants: { executor: "deploy", config: { ...TO_TENANTS, ...to } },
    soak: { executor: "gate", needs: ["tenants"], config: { soak: { of: "tenants", for: "2h" } } },
  };
  return aReleaseYard({ tenant: WATCHED, release: toReleaseMachine({ tasks, go: ["tenants", "soak"] }), ...rest });
}

/** Starts a release over two tenants, which have arrived after a minute. */
async function startSoak(input?: Parameters<typeof aSoakingYard>[0]): Promise<ReleaseYard> {
  const bench = aSoakingYard(input);
  await bench.addTenants(2);
  await bench.start("1.42.0");
  await bench.yard.advance(MINUTE);
  return bench;
}

async function explain(yard: Simulator): Promise<string | undefined> {
  const attempts = await yard.store.queries.listAttempts("shop-1.42.0");
  return attempts[0]?.progressMessage;
}

describe("a soak", () => {
  it.each([
    ["a state of failed, by the event of a monitor (kargo#5144)", "UNHEALTHY", "STACK_BROKEN"],
    ["a state that is not of until (flagger#1011)", "PAUSE", "STACK_ELSEWHERE"],
    ["a state whose time is over (kargo#5347)", "WAIT", "STACK_"],
  ])("is closed while a stack is in %s, and begins again when it is back", async (_where, event) => {
    const bench = await startSoak();
    await bench.yard.advance(HOUR);

    await bench.send("t1", event);
    await bench.yard.advance(5 * HOUR);
    const during = await bench.taskOf("1.42.0", "soak");
    await bench.send("t1", "HEALTHY");
    await bench.yard.advance(2 * HOUR - 2 * MINUTE);
    const again = await bench.taskOf("1.42.0", "soak");
    await bench.yard.advance(4 * MINUTE);

    expect([during, again, await bench.taskOf("1.42.0", "soak")]).toEqual(["GO PENDING", "GO PENDING", "DONE"]);
  });

  it("begins again also after trouble that was over before anyone has looked", async () => {
    const bench = await startSoak();
    await bench.yard.advance(HOUR + 1_000);

    await bench.send("t1", "UNHEALTHY");
    await bench.send("t1", "HEALTHY");
    await bench.yard.advance(2 * HOUR - 2 * MINUTE);
    const before = await bench.taskOf("1.42.0", "soak");
    await bench.yard.advance(4 * MINUTE);

    expect([before, await bench.taskOf("1.42.0", "soak")]).toEqual(["GO PENDING", "DONE"]);
  });

  it("is not interrupted by checks that end well", async () => {
    const bench = await startSoak();
    for (let check = 0; check < 11; check += 1) {
      await bench.yard.advance(10 * MINUTE);
      await bench.send("t1", "CHECK");
    }
    await bench.yard.advance(12 * MINUTE);

    expect(await bench.taskOf("1.42.0", "soak")).toBe("DONE");
  });

  it("of stacks that were all skipped never opens (SAP/jenkins-library#2184, octopus#9253)", async () => {
    const bench = aSoakingYard({ to: { skipFrozen: true }, createHolds });
    await bench.addTenants(2);
    const { store, clock } = bench.yard;
    await startFreeze(
      { records: store.records, clock },
      { name: "winter", reason: "test", by: "ada", machine: "tenant" },
    );
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);

    expect(await bench.tallyOf("1.42.0")).toBe("skipped FROZEN 2");
    expect(await bench.taskOf("1.42.0", "soak")).toBe("GO ERROR SOAK_EMPTY");
  });

  it("of stacks that have all failed never opens (flagger#1581)", async () => {
    const bench = aSoakingYard({ to: { maxFailures: "100%" } });
    await bench.addTenants(2);
    bench.broken.add("t0").add("t1");
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);

    expect(await bench.taskOf("1.42.0", "soak")).toBe("GO ERROR SOAK_EMPTY");
  });

  it("of stacks that were all removed meanwhile never opens", async () => {
    const bench = await startSoak();
    for (const id of ["t0", "t1"]) await bench.send(id, "REMOVE_STACK", { force: true, reason: "test" });
    await bench.yard.advance(3 * HOUR);

    expect(await bench.taskOf("1.42.0", "soak")).toBe("GO ERROR SOAK_EMPTY");
  });

  it("of a selection that may be empty, and is, opens", async () => {
    const bench = aSoakingYard({ to: { stacks: { machine: "tenant", min: 0 } } });
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);

    expect(await bench.taskOf("1.42.0", "soak")).toBe("DONE");
  });

  it("says what it waits for", async () => {
    const bench = await startSoak();
    await bench.send("t1", "UNHEALTHY");
    await bench.yard.advance(2 * MINUTE);

    expect(await explain(bench.yard)).toMatch(/^One of the stacks does not soak\. Its time begins again/);
  });
});

it("a soak of a task that was renamed is over what it had sent under its name before [octopus#2547]", async () => {
  const toRelease = (name: string): string => {
    const tasks = {
      [name]: { executor: "deploy", config: TO_TENANTS },
      soak: { executor: "gate", config: { soak: { of: name, for: "2h" } } },
      undo: { executor: "deploy", config: { op: "undo", of: name } },
    };
    const source = JSON.parse(toReleaseMachine({ tasks, go: [name] }));
    source.states.DONE.on.PLANNED = "SOAKING";
    source.states.SOAKING = { tasks: ["soak"], on: { NEXT: "STOPPED" } };
    return JSON.stringify(source);
  };
  const bench = aReleaseYard({ release: toRelease("tenants") });
  await bench.addTenants(2);
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  bench.revise("shop", toRelease("customers"));
  await bench.send("shop-1.42.0", "UPGRADE_STACK");
  await bench.send("shop-1.42.0", "PLANNED");
  await bench.yard.advance(HOUR);

  expect(await explain(bench.yard)).toContain('The stacks of "customers" soak for 2h');
  await bench.yard.advance(2 * HOUR);
  expect((await bench.yard.findStack("shop-1.42.0"))?.state).toBe("STOPPED");
});
