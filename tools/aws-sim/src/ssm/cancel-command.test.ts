import { CancelCommandCommand, ListCommandInvocationsCommand, ListCommandsCommand } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-fleet.ts";

async function createRun(count = 2, input: object = {}) {
  const fleet = createFleet();
  fleet.sim.ssm.set({ invocationLagMs: 0 });
  fleet.sim.ssm.script("*", { deliveredAfterMs: 0, runsForMs: 10_000 });
  const ids = Array.from({ length: count }, () => fleet.addNode());
  const { CommandId = "" } = await fleet.send(ids, input);
  const cancel = (InstanceIds?: string[]) => fleet.ssm.send(new CancelCommandCommand({ CommandId, InstanceIds }));
  const states = async () => {
    const { CommandInvocations = [] } = await fleet.ssm.send(new ListCommandInvocationsCommand({ CommandId }));
    return CommandInvocations.map(({ StatusDetails }) => StatusDetails);
  };
  const state = async () => (await fleet.ssm.send(new ListCommandsCommand({ CommandId }))).Commands?.[0]?.StatusDetails;
  return { ...fleet, ids, cancel, states, state };
}

describe("CancelCommand", () => {
  it("drops what waits at once and stops what runs a moment later", async () => {
    const { cancel, states, state, clock } = await createRun(2, { MaxConcurrency: "1" });
    await clock.advance(1_000);

    await cancel();

    expect([await states(), await state()]).toEqual([["Cancelling", "Cancelled"], "Cancelling"]);
    await clock.advance(1_000);
    expect([await states(), await state()]).toEqual([["Cancelled", "Cancelled"], "Cancelled"]);
  });

  it("leaves what has ended or is about to", async () => {
    const { cancel, states, clock } = await createRun(1);
    await clock.advance(9_500);

    await cancel();
    await clock.advance(1_000);

    expect(await states()).toEqual(["Success"]);
  });

  it("reaches single instances", async () => {
    const { cancel, states, ids, clock } = await createRun(2);

    await cancel(ids.slice(1));
    await clock.advance(20_000);

    expect(await states()).toEqual(["Success", "Cancelled"]);
  });

  it("refuses commands and instances that there are not, doubles, and 51 ids", async () => {
    const { cancel, ids, ssm } = await createRun(1);
    const CommandId = "00000000-0000-4000-8000-000000000000";

    await expect(ssm.send(new CancelCommandCommand({ CommandId }))).rejects.toMatchObject({ name: "InvalidCommandId" });
    await expect(cancel(["i-00000001"])).rejects.toMatchObject({ name: "InvalidInstanceId" });
    await expect(cancel([...ids, ...ids])).rejects.toMatchObject({ name: "DuplicateInstanceId" });
    await expect(cancel(Array.from({ length: 51 }, (_, index) => `i-${index}`))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});
