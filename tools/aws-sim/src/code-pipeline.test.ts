import {
  CodePipelineClient,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand,
  type PutJobSuccessResultCommandInput,
} from "@aws-sdk/client-codepipeline";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const REGION = "eu-west-1";
const MINUTE = 60_000;

function createJob() {
  const world = createWorld();
  const { codePipeline } = world.sim;
  const client = world.client(CodePipelineClient);
  const action = codePipeline.startAction({
    account: ACCOUNT,
    region: REGION,
    userParameters: '{"profile":"ansible"}',
    inputArtifacts: [{ name: "SourceOutput", bucket: "artifacts", key: "GARLC/SourceOut/abc" }],
  });
  const succeed = (input: Partial<PutJobSuccessResultCommandInput> = {}) =>
    client.send(new PutJobSuccessResultCommand({ jobId: action.jobId, ...input }));
  const fail = (message: string, type = "JobFailed", jobId = action.jobId) =>
    client.send(new PutJobFailureResultCommand({ jobId, failureDetails: { type: type as "JobFailed", message } }));
  const status = () => codePipeline.findAction(action.jobId)?.status;
  return { ...world, ...action, codePipeline, succeed, fail, status };
}

describe("a job", () => {
  it("invokes the function with what the user guide shows", () => {
    const { event, jobId } = createJob();

    expect(event).toMatchObject({
      "CodePipeline.job": {
        id: jobId,
        accountId: ACCOUNT,
        data: {
          actionConfiguration: { configuration: { UserParameters: '{"profile":"ansible"}' } },
          inputArtifacts: [
            {
              name: "SourceOutput",
              location: { type: "S3", s3Location: { bucketName: "artifacts", objectKey: "GARLC/SourceOut/abc" } },
            },
          ],
        },
      },
    });
  });

  it("succeeds once", async () => {
    const { succeed, status } = createJob();

    await succeed({ outputVariables: { RunId: "run-1" } });

    expect(status()).toBe("Succeeded");
    await expect(succeed()).rejects.toMatchObject({ name: "InvalidJobStateException" });
  });

  it("fails with a type and a message", async () => {
    const { fail, status, codePipeline, jobId } = createJob();

    await fail("NO_INSTANCES: none");

    expect(status()).toBe("Failed");
    expect(codePipeline.findAction(jobId)?.results).toMatchObject([
      { kind: "failed", input: { failureDetails: { message: "NO_INSTANCES: none" } } },
    ]);
  });

  it("is continued with a new job that holds the token, which alone takes the next result", async () => {
    const { succeed, codePipeline, jobId, status, clock } = createJob();
    await succeed({ continuationToken: '{"v":1,"run":"a"}' });

    const next = codePipeline.continueAction(jobId);

    expect(next).toMatchObject({
      at: clock.now() + 30_000,
      event: { "CodePipeline.job": { id: next?.jobId, data: { continuationToken: '{"v":1,"run":"a"}' } } },
    });
    await expect(succeed()).rejects.toMatchObject({ name: "InvalidJobStateException" });
    await succeed({ jobId: next?.jobId });
    expect(status()).toBe("Succeeded");
    expect(codePipeline.continueAction(jobId)).toBeUndefined();
  });

  it("times out after 20 minutes without an answer", async () => {
    const { clock, status, succeed } = createJob();

    await clock.advance(20 * MINUTE - 1);
    expect(status()).toBe("InProgress");
    await clock.advance(1);

    expect(status()).toBe("TimedOut");
    await expect(succeed()).rejects.toMatchObject({ name: "InvalidJobStateException" });
  });

  it("begins its 20 minutes again with each answer, for a day", async () => {
    const { clock, succeed, codePipeline, jobId, status } = createJob();
    let id = jobId;
    for (let count = 0; count < 79; count += 1) {
      await clock.advance(18 * MINUTE);
      await succeed({ jobId: id, continuationToken: "t" });
      id = codePipeline.continueAction(id)?.jobId ?? "";
    }
    expect(status()).toBe("InProgress");
    await clock.advance(18 * MINUTE);

    expect(status()).toBe("TimedOut");
  });

  it("takes texts up to their limits only", async () => {
    const { succeed, fail } = createJob();
    const refused = { name: "ValidationException" };

    await expect(succeed({ continuationToken: "x".repeat(2_049) })).rejects.toMatchObject(refused);
    await expect(succeed({ executionDetails: { summary: "x".repeat(2_049) } })).rejects.toMatchObject(refused);
    await expect(succeed({ executionDetails: { externalExecutionId: "x".repeat(1_501) } })).rejects.toMatchObject(
      refused,
    );
    await expect(succeed({ executionDetails: { percentComplete: 101 } })).rejects.toMatchObject(refused);
    await expect(succeed({ outputVariables: { "a b": "x" } })).rejects.toMatchObject(refused);
    await expect(succeed({ continuationToken: "t", outputVariables: { a: "x" } })).rejects.toMatchObject(refused);
    await expect(succeed({ outputVariables: { a: "x".repeat(122_880) } })).rejects.toMatchObject({
      name: "OutputVariablesSizeExceededException",
    });
    await expect(fail("")).rejects.toMatchObject(refused);
    await expect(fail("x".repeat(5_001))).rejects.toMatchObject(refused);
    await expect(fail("x", "Other")).rejects.toMatchObject(refused);
    await fail("x".repeat(5_000));
  });

  it("is unknown to others and under other ids", async () => {
    const { fail, client, sim, jobId } = createJob();
    const other = client(CodePipelineClient, sim.iam.addUser({ account: OTHER, name: "x" }));

    await expect(fail("x", "JobFailed", "11111111-2222-4333-8444-555555555555")).rejects.toMatchObject({
      name: "JobNotFoundException",
    });
    await expect(fail("x", "JobFailed", "x")).rejects.toMatchObject({ name: "ValidationException" });
    await expect(other.send(new PutJobSuccessResultCommand({ jobId }))).rejects.toMatchObject({
      name: "JobNotFoundException",
    });
  });
});
