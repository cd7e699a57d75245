import { CreateDocumentCommand, DescribeDocumentCommand, GetCommandInvocationCommand } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-world.ts";

const Name = "Stackyard-Own";
const toContent = (about: object = {}): string =>
  JSON.stringify({
    schemaVersion: "2.2",
    description: "Both kinds",
    parameters: { Key: { type: "String", allowedPattern: "[a-z]+" }, Timeout: { type: "String", default: "60" } },
    mainSteps: [
      {
        action: "aws:runShellScript",
        name: "onLinux",
        precondition: { StringEquals: ["platformType", "Linux"] },
        inputs: { timeoutSeconds: "{{ Timeout }}" },
      },
      {
        action: "aws:runPowerShellScript",
        name: "onWindows",
        precondition: { StringEquals: ["platformType", "Windows"] },
        inputs: { timeoutSeconds: "{{ Timeout }}" },
      },
    ],
    ...about,
  });

function createDocuments() {
  const fleet = createFleet();
  fleet.sim.ssm.set({ invocationLagMs: 0 });
  const create = (Content = toContent(), name = Name) =>
    fleet.ssm.send(new CreateDocumentCommand({ Name: name, Content, DocumentType: "Command" }));
  const describeIt = async (input: object = {}) =>
    (await fleet.ssm.send(new DescribeDocumentCommand({ Name, ...input }))).Document;
  return { ...fleet, create, describeIt };
}

describe("documents", () => {
  it.each([
    ["{", "InvalidDocumentContent"],
    ["[]", "InvalidDocumentSchemaVersion"],
    [toContent({ schemaVersion: "1.2" }), "InvalidDocumentSchemaVersion"],
    [toContent({ mainSteps: [] }), "InvalidDocumentContent"],
    [toContent({ mainSteps: [{ action: "aws:runShellScript" }] }), "InvalidDocumentContent"],
    [toContent({ description: "x".repeat(65_536) }), "MaxDocumentSizeExceeded"],
  ])("are refused: %#", async (content, name) => {
    await expect(createDocuments().create(content)).rejects.toMatchObject({ name });
  });

  it("keep AWS's names for AWS", async () => {
    const { create } = createDocuments();
    await create();

    await expect(create()).rejects.toMatchObject({ name: "DocumentAlreadyExists" });
    await expect(create(toContent(), "AWS-Own")).rejects.toMatchObject({ name: "ValidationException" });
    await expect(create(toContent(), "a b")).rejects.toMatchObject({ name: "ValidationException" });
  });
});

describe("a document of several steps", () => {
  it("runs those of the platform, and shows output of the step that is named only", async () => {
    const { create, addNode, send, sim, clock, ssm } = createDocuments();
    await create();
    const id = addNode();
    sim.ssm.script(id, { exitCode: 4, stdout: "ran" });
    const { CommandId } = await send([id], { DocumentName: Name, Parameters: { Key: ["a"] } });
    await clock.advance(10_000);
    const get = (input: object = {}) =>
      ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: id, ...input }));

    expect(await get()).toMatchObject({ StatusDetails: "Failed", ResponseCode: -1, StandardOutputContent: "" });
    expect(await get({ PluginName: "onLinux" })).toMatchObject({ ResponseCode: 4, StandardOutputContent: "ran" });
    expect(await get({ PluginName: "onWindows" })).toMatchObject({ ResponseCode: 0 });
  });

  it("checks patterns, and takes its timeout from its parameter", async () => {
    const { create, addNode, send, sim, clock, ssm } = createDocuments();
    await create();
    const id = addNode();
    sim.ssm.script(id, { deliveredAfterMs: 0, runsForMs: 40_000 });
    await expect(send([id], { DocumentName: Name, Parameters: { Key: ["A"] } })).rejects.toMatchObject({
      name: "InvalidParameters",
    });

    const { CommandId } = await send([id], { DocumentName: Name, Parameters: { Key: ["a"], Timeout: ["30"] } });
    await clock.advance(30_000);

    expect(await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: id }))).toMatchObject({
      StatusDetails: "ExecutionTimedOut",
    });
  });
});
