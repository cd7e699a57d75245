import {
  CancelCommandCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
  type SendCommandCommandInput,
} from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-world.ts";

const MANY = (count: number, text = "x"): string[] => Array.from({ length: count }, (_, index) => `${text}${index}`);

describe("SendCommand refuses", () => {
  it.each<[string, Partial<SendCommandCommandInput>]>([
    ["a comment of 101 characters", { Comment: "x".repeat(101) }],
    ["a delivery timeout below 30 s", { TimeoutSeconds: 29 }],
    ["a delivery timeout over 30 days", { TimeoutSeconds: 2_592_001 }],
    ["no concurrency", { MaxConcurrency: "0" }],
    ["a concurrency of no percent", { MaxConcurrency: "0%" }],
    ["a concurrency over 100 %", { MaxConcurrency: "101%" }],
    ["a concurrency of 8 characters", { MaxConcurrency: "12345678" }],
    ["errors that are not a number", { MaxErrors: "-1" }],
    ["a key prefix of 501 characters", { OutputS3KeyPrefix: "x".repeat(501) }],
    ["a document's name with spaces", { DocumentName: "a b c" }],
    ["ids together with targets", { Targets: [{ Key: "tag:a", Values: ["b"] }] }],
    ["invalid ids", { InstanceIds: ["x"] }],
    ["neither ids nor targets", { InstanceIds: [] }],
    ["6 targets", { InstanceIds: [], Targets: MANY(6).map((Key) => ({ Key: `tag:${Key}`, Values: ["a"] })) }],
    ["51 values of a target", { InstanceIds: [], Targets: [{ Key: "tag:a", Values: MANY(51) }] }],
    ["a target's key of 164 characters", { InstanceIds: [], Targets: [{ Key: "x".repeat(164), Values: ["a"] }] }],
  ])("%s", async (_what, input) => {
    const { addNode, send } = createFleet();

    await expect(send([addNode()], input)).rejects.toMatchObject({ name: "ValidationException" });
  });

  it.each<[string, Partial<SendCommandCommandInput>, string]>([
    ["a document that there is not", { DocumentName: "Own-Document" }, "InvalidDocument"],
    ["a version that there is not", { DocumentVersion: "2" }, "InvalidDocumentVersion"],
    ["a wrong hash", { DocumentHash: "0".repeat(64), DocumentHashType: "Sha256" }, "InvalidDocument"],
    ["a parameter that there is not", { Parameters: { commands: ["a"], other: ["b"] } }, "InvalidParameters"],
    ["no value for a needed parameter", { Parameters: {} }, "InvalidParameters"],
    ["a value that is not allowed", { Parameters: { commands: ["a"], executionTimeout: ["0"] } }, "InvalidParameters"],
    ["parameters over 64 KB", { Parameters: { commands: ["x".repeat(65_536)] } }, "MaxDocumentSizeExceeded"],
    ["a bucket that there is not", { OutputS3BucketName: "none" }, "InvalidOutputFolder"],
  ])("%s", async (_what, input, name) => {
    const { addNode, send } = createFleet();

    await expect(send([addNode()], input)).rejects.toMatchObject({ name });
  });

  it("a document that does not run on the platform of an instance", async () => {
    const { addNode, send } = createFleet();

    await expect(send([addNode({ platformType: "Windows" })])).rejects.toMatchObject({
      name: "UnsupportedPlatformType",
    });
  });

  it("an id that is there twice", async () => {
    const { addNode, send } = createFleet();
    const id = addNode();

    await expect(send([id, id])).rejects.toMatchObject({ name: "DuplicateInstanceId" });
  });

  it("all of them when one is not registered or is terminated", async () => {
    const { addNode, send, sim } = createFleet();
    const [good, gone] = [addNode(), addNode()];
    sim.ec2.changeState(gone, "terminated");

    await expect(send([good, gone])).rejects.toMatchObject({ name: "InvalidInstanceId" });
    expect(sim.ssm.listCommands()).toEqual([]);
  });

  it("more calls than its limit", async () => {
    const { addNode, send, sim } = createFleet();
    const id = addNode();
    sim.limit("SSM.SendCommand", { perSecond: 1 });
    await send([id]);

    await expect(send([id])).rejects.toMatchObject({
      name: "ThrottlingException",
      message: "Rate exceeded",
      $metadata: { httpStatusCode: 400 },
    });
  });
});

describe("SendCommand", () => {
  it("answers what it took", async () => {
    const { addNode, send, clock } = createFleet();
    const id = addNode();

    const command = await send([id], { Comment: "stackyard:run:0", TimeoutSeconds: 600 });

    expect(command).toMatchObject({
      InstanceIds: [id],
      Targets: [],
      Comment: "stackyard:run:0",
      DocumentVersion: "1",
      MaxConcurrency: "50",
      MaxErrors: "0",
      TargetCount: 1,
      CompletedCount: 0,
      TimeoutSeconds: 600,
      ExpiresAfter: new Date(clock.now() + (600 + 3_600) * 1_000),
    });
  });

  it.each([
    ["tag:has_ssm_agent", ["true", "True"], 2],
    ["tag-key", ["has_ssm_agent"], 3],
    ["tag:has_ssm_agent", ["TRUE"], 1],
  ])("finds targets by %s in %j", async (Key, Values, count) => {
    const { addNode, ssm } = createFleet();
    for (const value of ["true", "True", "TRUE"]) addNode({ tags: { has_ssm_agent: value } });
    addNode();

    const input = { DocumentName: "AWS-RunShellScript", Parameters: { commands: ["true"] } };
    const { Command } = await ssm.send(new SendCommandCommand({ ...input, Targets: [{ Key, Values }] }));

    expect(Command).toMatchObject({ TargetCount: count, InstanceIds: [] });
  });

  it("ANDs targets, and reports when no instance matches", async () => {
    const { addNode, ssm } = createFleet();
    const id = addNode({ tags: { a: "1" } });
    const send = (...Targets: { Key: string; Values: string[] }[]) =>
      ssm.send(
        new SendCommandCommand({ DocumentName: "AWS-RunShellScript", Parameters: { commands: ["true"] }, Targets }),
      );

    const one = await send({ Key: "tag:a", Values: ["1"] }, { Key: "InstanceIds", Values: [id] });
    const none = await send({ Key: "tag:a", Values: ["1"] }, { Key: "tag:b", Values: ["1"] });

    expect(one.Command?.TargetCount).toBe(1);
    expect(none.Command?.StatusDetails).toBe("NoInstancesInTag");
  });
});

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
