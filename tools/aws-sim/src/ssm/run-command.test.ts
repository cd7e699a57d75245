import { GetCommandInvocationCommand, ListCommandInvocationsCommand, ListCommandsCommand } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-world.ts";

describe("a command", () => {
  it("goes from pending over in progress to success", async () => {
    const { ssm, clock, send, addNode, sim } = createFleet();
    const id = addNode();
    sim.ssm.script(id, { runsForMs: 10_000, stdout: "done\n" });
    const { CommandId = "" } = await send([id]);
    const state = async () => {
      const { Commands } = await ssm.send(new ListCommandsCommand({ CommandId }));
      return Commands?.[0]?.StatusDetails;
    };

    const seen = [await state()];
    await clock.advance(2_000);
    seen.push(await state());
    await clock.advance(10_000);
    seen.push(await state());

    expect(seen).toEqual(["Pending", "InProgress", "Success"]);
    expect(await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: id }))).toMatchObject({
      Status: "Success",
      ResponseCode: 0,
      StandardOutputContent: "done\n",
      PluginName: "aws:runShellScript",
    });
  });

  it("has no invocations for the first seconds", async () => {
    const { ssm, clock, send, addNode } = createFleet();
    const id = addNode();
    const { CommandId = "" } = await send([id]);
    const get = () => ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: id }));
    const list = () => ssm.send(new ListCommandInvocationsCommand({ CommandId }));

    await expect(get()).rejects.toMatchObject({ name: "InvocationDoesNotExist" });
    expect((await list()).CommandInvocations).toEqual([]);
    await clock.advance(2_000);

    expect(await get()).toMatchObject({ ResponseCode: -1, StatusDetails: "InProgress" });
    expect((await list()).CommandInvocations).toMatchObject([{ InstanceId: id }]);
  });

  it("is refused for an instance whose agent has not registered", async () => {
    const { send, addNode, clock } = createFleet();
    const id = addNode({ registersAt: clock.now() + 60_000 });

    await expect(send([id])).rejects.toMatchObject({
      name: "InvalidInstanceId",
      message: `Instances [[${id}]] not in a valid state for account 111122223333`,
    });
    await clock.advance(60_000);

    expect(await send([id])).toMatchObject({ Status: "Pending", TargetCount: 1 });
  });

  it("is found by its comment", async () => {
    const { ssm, addNode, send } = createFleet();
    const id = addNode();
    await send([id], { Comment: "stackyard:run-1:0" });

    const { Commands } = await ssm.send(new ListCommandsCommand({ InstanceId: id }));

    expect(Commands).toMatchObject([{ Comment: "stackyard:run-1:0", InstanceIds: [id] }]);
  });

  it("is refused with 51 ids", async () => {
    const { send, addNode } = createFleet();
    const ids = Array.from({ length: 51 }, () => addNode());

    await expect(send(ids)).rejects.toMatchObject({ name: "ValidationException" });
    expect(await send(ids.slice(0, 50))).toMatchObject({ TargetCount: 50 });
  });
});
