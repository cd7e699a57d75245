import { InvokeCommand, LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { connectionReset, SimFault } from "./sim-fault.ts";
import { createSimPlugin } from "./sim-plugin.ts";
import { ACCOUNT, BUCKET, createWorld } from "./testing/a-world.ts";

const at = { Bucket: BUCKET, Key: "a" };

describe("the simulation", () => {
  it("keeps what was asked, with who asked and where", async () => {
    const { client, sim } = createWorld();

    await client(S3Client).send(new PutObjectCommand({ ...at, Body: "x" }));

    expect(sim.calls).toMatchObject([
      {
        operation: "S3.PutObject",
        region: "eu-west-1",
        arn: `arn:aws:iam::${ACCOUNT}:user/app`,
        input: { ...at, Body: "x" },
      },
    ]);
  });

  it("refuses unknown keys and what IAM does not allow, in the words of the service", async () => {
    const { client, sim } = createWorld();
    const unknown = { accessKeyId: "AKIAX", secretAccessKey: "x" };
    const weak = sim.iam.addUser({ account: ACCOUNT, name: "weak", allow: ["s3:Get*"] });

    await expect(client(S3Client, unknown).send(new GetObjectCommand(at))).rejects.toMatchObject({
      name: "InvalidAccessKeyId",
    });
    await expect(client(LambdaClient, unknown).send(new InvokeCommand({ FunctionName: "f" }))).rejects.toMatchObject({
      name: "UnrecognizedClientException",
    });
    await expect(client(S3Client, weak).send(new PutObjectCommand({ ...at, Body: "x" }))).rejects.toMatchObject({
      name: "AccessDenied",
      message: `User: arn:aws:iam::${ACCOUNT}:user/weak is not authorized to perform: s3:PutObject`,
    });
    await expect(client(LambdaClient, weak).send(new InvokeCommand({ FunctionName: "f" }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });

  it("serves the next calls otherwise, in order, and then as ever", async () => {
    const { client, sim } = createWorld();
    const s3 = client(S3Client);
    sim.once("S3.PutObject", () => Promise.reject(new SimFault("InternalError", 500, "x")));
    sim.once("S3.PutObject", async (proceed) => {
      await proceed();
      throw connectionReset();
    });

    await expect(s3.send(new PutObjectCommand({ ...at, Body: "1" }))).rejects.toMatchObject({ name: "InternalError" });
    expect(sim.s3.texts(BUCKET)).toEqual({});
    await expect(s3.send(new PutObjectCommand({ ...at, Body: "2" }))).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(sim.s3.texts(BUCKET)).toEqual({ a: "2" });
    await s3.send(new PutObjectCommand({ ...at, Body: "3" }));
  });

  it("lets the SDK retry what AWS would have it retry", async () => {
    const { sim, credentials } = createWorld();
    const s3 = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 2 });
    s3.middlewareStack.use(createSimPlugin(sim));
    sim.once("S3.PutObject", () => Promise.reject(new SimFault("InternalError", 500, "x")));

    const { $metadata } = await s3.send(new PutObjectCommand({ ...at, Body: "1" }));

    expect($metadata).toMatchObject({ httpStatusCode: 200, attempts: 2 });
  });

  it("says what it cannot do", async () => {
    const { client } = createWorld();

    await expect(client(LambdaClient).send(new ListFunctionsCommand({}))).rejects.toMatchObject({
      name: "NotImplemented",
      message: "The simulation has no Lambda.ListFunctions.",
    });
  });
});
