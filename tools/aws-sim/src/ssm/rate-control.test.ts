import { ListCommandInvocationsCommand, ListCommandsCommand } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-world.ts";
import type { Script } from "./sim-command.ts";

const SECOND = { deliveredAfterMs: 0, runsForMs: 1_000 };

/** A command on nodes with these scripts, in order. */
async function createRun(scripts: readonly Script[], input: object = {}) {
  const fleet = createFleet();
  fleet.sim.ssm.set({ invocationLagMs: 0 });
  const ids = scripts.map((script) => {
    const id = fleet.addNode();
    fleet.sim.ssm.script(id, script);
    return id;
  });
  const { CommandId = "" } = await fleet.send(ids, input);
  const states = async () => {
    const { CommandInvocations = [] } = await fleet.ssm.send(new ListCommandInvocationsCommand({ CommandId }));
    return CommandInvocations.map(({ StatusDetails }) => StatusDetails);
  };
  const command = async () => {
    const { Commands } = await fleet.ssm.send(new ListCommandsCommand({ CommandId }));
    const { Status, StatusDetails, CompletedCount, ErrorCount, DeliveryTimedOutCount } = Commands?.[0] ?? {};
    return [Status, StatusDetails, CompletedCount, ErrorCount, DeliveryTimedOutCount];
  };
  return { ...fleet, ids, CommandId, states, command };
}

const FAILS = { ...SECOND, exitCode: 1 };

describe("MaxConcurrency", () => {
  it("is how many run at a time", async () => {
    const { states, clock } = await createRun([SECOND, SECOND, SECOND], { MaxConcurrency: "1" });

    const seen = [await states()];
    await clock.advance(1_000);
    seen.push(await states());
    await clock.advance(2_000);
    seen.push(await states());

    expect(seen).toEqual([
      ["InProgress", "Pending", "Pending"],
      ["Success", "InProgress", "Pending"],
      ["Success", "Success", "Success"],
    ]);
  });

  it("may be a share of the targets, rounded down, one at least", async () => {
    const half = await createRun([SECOND, SECOND, SECOND, SECOND, SECOND], { MaxConcurrency: "50%" });
    const little = await createRun([SECOND, SECOND], { MaxConcurrency: "1%" });

    expect((await half.states()).filter((each) => each === "InProgress")).toHaveLength(2);
    expect((await little.states()).filter((each) => each === "InProgress")).toHaveLength(1);
  });

  it("gives the same result however seldom it is read", async () => {
    const scripts = Array.from({ length: 7 }, () => SECOND);
    const often = await createRun(scripts, { MaxConcurrency: "2" });
    const once = await createRun(scripts, { MaxConcurrency: "2" });

    for (let count = 0; count < 3_500; count += 100) {
      await often.clock.advance(100);
      await often.states();
    }
    await once.clock.advance(3_500);

    expect(await once.states()).toEqual(await often.states());
  });
});

describe("MaxErrors", () => {
  it("of 0 stops at the first failure, and running commands continue", async () => {
    const slow = { deliveredAfterMs: 0, runsForMs: 3_000 };
    const run = await createRun([FAILS, slow, SECOND], { MaxConcurrency: "2", MaxErrors: "0" });

    await run.clock.advance(1_000);
    expect(await run.states()).toEqual(["Failed", "InProgress", "Terminated"]);
    await run.clock.advance(2_000);

    expect(await run.states()).toEqual(["Failed", "Success", "Terminated"]);
    expect(await run.command()).toEqual(["Failed", "Failed", 3, 1, 0]);
  });

  it("stops at one more than it says", async () => {
    const run = await createRun([FAILS, FAILS, SECOND, FAILS], { MaxConcurrency: "1", MaxErrors: "1" });

    await run.clock.advance(10_000);

    expect(await run.states()).toEqual(["Failed", "Failed", "Terminated", "Terminated"]);
  });

  it("counts execution timeouts too", async () => {
    const hangs = { deliveredAfterMs: 0, runsForMs: Number.POSITIVE_INFINITY };
    const run = await createRun([hangs, SECOND], { MaxConcurrency: "1" });

    await run.clock.advance(3_600_000);

    expect(await run.states()).toEqual(["ExecutionTimedOut", "Terminated"]);
    expect(await run.command()).toEqual(["TimedOut", "ExecutionTimedOut", 2, 1, 0]);
  });

  it("counts neither what is not delivered nor what is not deliverable", async () => {
    const away = { deliveredAfterMs: Number.POSITIVE_INFINITY };
    const run = await createRun([{ undeliverable: true }, away, SECOND], { MaxConcurrency: "1", TimeoutSeconds: 30 });

    await run.clock.advance(60_000);

    expect(await run.states()).toEqual(["Undeliverable", "DeliveryTimedOut", "Success"]);
  });
});

describe("a command's own state", () => {
  it("is incomplete when fewer failed than it allows", async () => {
    const run = await createRun([FAILS, SECOND], { MaxErrors: "1" });

    await run.clock.advance(5_000);

    expect(await run.command()).toEqual(["Failed", "Incomplete", 2, 1, 0]);
  });

  it("times out when no instance could be reached", async () => {
    const run = await createRun([{ deliveredAfterMs: Number.POSITIVE_INFINITY }], { TimeoutSeconds: 30 });

    await run.clock.advance(29_999);
    expect(await run.states()).toEqual(["Delayed"]);
    await run.clock.advance(1);

    expect(await run.command()).toEqual(["TimedOut", "DeliveryTimedOut", 1, 0, 1]);
  });

  it("is success when the others were undeliverable", async () => {
    const run = await createRun([{ undeliverable: true }, SECOND]);

    await run.clock.advance(5_000);

    expect(await run.command()).toEqual(["Success", "Success", 2, 0, 0]);
  });

  it("is rate exceeded over the account's limit, and it never runs", async () => {
    const { addNode, send, sim, ssm } = createFleet();
    sim.ssm.set({ pendingInvocations: 2, invocationLagMs: 0 });
    const ids = [addNode(), addNode(), addNode()];
    await send(ids.slice(0, 1));

    const command = await send(ids.slice(1));

    expect(command).toMatchObject({ Status: "Failed", StatusDetails: "RateExceeded" });
    const { CommandInvocations } = await ssm.send(new ListCommandInvocationsCommand({ CommandId: command.CommandId }));
    expect(CommandInvocations).toEqual([]);
  });
});
