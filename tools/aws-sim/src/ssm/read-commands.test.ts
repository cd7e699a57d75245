import {
  CommandFilterKey,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  type ListCommandInvocationsCommandInput,
  ListCommandsCommand,
  type ListCommandsCommandInput,
} from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-world.ts";

function createLists() {
  const fleet = createFleet();
  fleet.sim.ssm.set({ invocationLagMs: 0 });
  const commands = async (input: ListCommandsCommandInput = {}) => {
    const { Commands = [], NextToken } = await fleet.ssm.send(new ListCommandsCommand(input));
    return { comments: Commands.map(({ Comment }) => Comment), NextToken };
  };
  const filter = (key: CommandFilterKey, value: string) => commands({ Filters: [{ key, value }] });
  const invocations = async (input: ListCommandInvocationsCommandInput = {}) => {
    const { CommandInvocations = [], NextToken } = await fleet.ssm.send(new ListCommandInvocationsCommand(input));
    return { CommandInvocations, ids: CommandInvocations.map(({ InstanceId }) => InstanceId), NextToken };
  };
  return { ...fleet, commands, filter, invocations };
}

describe("ListCommands", () => {
  it("gives the newest first, in pages", async () => {
    const { addNode, send, commands } = createLists();
    const id = addNode();
    for (const Comment of ["1", "2", "3"]) await send([id], { Comment });

    const first = await commands({ MaxResults: 2 });
    const second = await commands({ MaxResults: 2, NextToken: first.NextToken });

    expect([first.comments, second.comments]).toEqual([["3", "2"], ["1"]]);
    expect(second.NextToken).toBeUndefined();
  });

  it("filters by time, state, stage, document and instance", async () => {
    const { addNode, send, commands, filter, clock } = createLists();
    const [a, b] = [addNode(), addNode()];
    await send([a], { Comment: "old" });
    await clock.advance(60_000);
    await send([b], { Comment: "new" });
    const between = new Date(clock.now() - 1_000).toISOString();

    expect((await filter(CommandFilterKey.INVOKED_AFTER, between)).comments).toEqual(["new"]);
    expect((await filter(CommandFilterKey.INVOKED_BEFORE, between)).comments).toEqual(["old"]);
    expect((await filter(CommandFilterKey.STATUS, "Success")).comments).toEqual(["old"]);
    expect((await filter(CommandFilterKey.EXECUTION_STAGE, "Executing")).comments).toEqual(["new"]);
    expect((await filter(CommandFilterKey.EXECUTION_STAGE, "Complete")).comments).toEqual(["old"]);
    expect((await filter(CommandFilterKey.DOCUMENT_NAME, "Other")).comments).toEqual([]);
    expect((await commands({ InstanceId: a })).comments).toEqual(["old"]);
  });

  it("is late when a test says so", async () => {
    const { addNode, send, commands, clock, sim } = createLists();
    sim.ssm.set({ commandLagMs: 1_000 });
    await send([addNode()], { Comment: "x" });

    expect((await commands()).comments).toEqual([]);
    await clock.advance(1_000);

    expect((await commands()).comments).toEqual(["x"]);
  });

  it("rejects pages over 50, unknown keys, and invalid tokens and ids", async () => {
    const { commands, filter } = createLists();

    await expect(commands({ MaxResults: 51 })).rejects.toMatchObject({ name: "ValidationException" });
    await expect(commands({ MaxResults: 0 })).rejects.toMatchObject({ name: "ValidationException" });
    await expect(commands({ NextToken: "x" })).rejects.toMatchObject({ name: "InvalidNextToken" });
    await expect(commands({ CommandId: "x" })).rejects.toMatchObject({ name: "InvalidCommandId" });
    await expect(filter("Comment" as "Status", "x")).rejects.toMatchObject({ name: "InvalidFilterKey" });
    await expect(filter("Status", "")).rejects.toMatchObject({ name: "ValidationException" });
  });
});

describe("ListCommandInvocations", () => {
  it("gives 50 a page", async () => {
    const { addNode, send, invocations } = createLists();
    const ids = Array.from({ length: 60 }, () => addNode());
    await send(ids.slice(0, 50));
    await send(ids.slice(50));

    const first = await invocations();
    const second = await invocations({ NextToken: first.NextToken });

    expect([first.ids.length, second.ids.length]).toEqual([50, 10]);
    expect(new Set([...first.ids, ...second.ids])).toEqual(new Set(ids));
    await expect(invocations({ MaxResults: 51 })).rejects.toMatchObject({ name: "ValidationException" });
  });

  it("filters by instance and state, and not by stage", async () => {
    const { addNode, send, invocations, sim, clock } = createLists();
    const [good, bad] = [addNode(), addNode()];
    sim.ssm.script(bad, { exitCode: 1 });
    const { CommandId } = await send([good, bad]);
    await clock.advance(10_000);
    const byState = (value: string) => invocations({ CommandId, Filters: [{ key: "Status", value }] });

    expect((await byState("Failed")).ids).toEqual([bad]);
    expect((await invocations({ InstanceId: good })).ids).toEqual([good]);
    await expect(invocations({ Filters: [{ key: "ExecutionStage", value: "Complete" }] })).rejects.toMatchObject({
      name: "InvalidFilterKey",
    });
  });

  it("returns plugins only if details are requested, with truncated output", async () => {
    const { addNode, send, invocations, sim, clock } = createLists();
    const id = addNode();
    sim.ssm.script(id, { exitCode: 2, stdout: "x".repeat(3_000) });
    const { CommandId } = await send([id]);
    await clock.advance(10_000);

    const plain = await invocations({ CommandId });
    const detailed = await invocations({ CommandId, Details: true });

    expect(plain.CommandInvocations[0]?.CommandPlugins).toEqual([]);
    expect(detailed.CommandInvocations[0]?.CommandPlugins).toMatchObject([
      { Name: "aws:runShellScript", Status: "Failed", ResponseCode: 2 },
    ]);
    expect(detailed.CommandInvocations[0]?.CommandPlugins?.[0]?.Output).toHaveLength(2_500);
  });
});

describe("GetCommandInvocation", () => {
  it("gives 24,000 characters of stdout and 8,000 of stderr, when it is over", async () => {
    const { addNode, send, sim, clock, ssm } = createLists();
    const id = addNode();
    sim.ssm.script(id, { exitCode: 1, stdout: "o".repeat(30_000), stderr: "e".repeat(9_000), runsForMs: 5_000 });
    const { CommandId } = await send([id]);
    const get = () => ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: id }));

    await clock.advance(1_000);
    expect(await get()).toMatchObject({ StatusDetails: "InProgress", StandardOutputContent: "", ResponseCode: -1 });
    await clock.advance(10_000);

    const over = await get();
    expect([over.StandardOutputContent?.length, over.StandardErrorContent?.length]).toEqual([24_000, 8_000]);
    expect(over).toMatchObject({
      ResponseCode: 1,
      ExecutionElapsedTime: "PT5S",
      ExecutionStartDateTime: "2026-01-01T00:00:00.500Z",
      ExecutionEndDateTime: "2026-01-01T00:00:05.500Z",
    });
  });

  it("knows only instances of the command and steps of the document", async () => {
    const { addNode, send, ssm } = createLists();
    const id = addNode();
    const { CommandId } = await send([id]);
    const get = (input: object) => ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: id, ...input }));

    await expect(get({ InstanceId: addNode() })).rejects.toMatchObject({ name: "InvocationDoesNotExist" });
    await expect(get({ PluginName: "other" })).rejects.toMatchObject({ name: "InvalidPluginName" });
    await expect(get({ CommandId: "x".repeat(36) })).rejects.toMatchObject({ name: "InvalidCommandId" });
  });
});
