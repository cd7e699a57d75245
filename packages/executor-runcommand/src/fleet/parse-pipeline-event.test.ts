import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ARTIFACT_CREDENTIALS,
  ARTIFACT_PLACE,
  anInputArtifact,
  aPipelineEvent,
  JOB_ID,
} from "../testing/a-pipeline-event.ts";
import { findArtifactCredentials, parsePipelineEvent } from "./parse-pipeline-event.ts";
import { DEFAULT_USER_PARAMETERS } from "./user-parameters.ts";

const badParameters = "{";
const noPlace = { name: "Other", location: { type: "S3", s3Location: { bucketName: "B", objectKey: "k" } } };

describe("parsePipelineEvent", () => {
  it("starts with the first input artifact and the defaults", () => {
    const event = aPipelineEvent({ inputArtifacts: [anInputArtifact({ revision: "c0ffee" }), noPlace] });

    expect(parsePipelineEvent(event)).toEqual({
      kind: "start",
      jobId: JOB_ID,
      artifact: { ...ARTIFACT_PLACE, revision: "c0ffee" },
      options: DEFAULT_USER_PARAMETERS,
    });
  });

  it("starts with the artifact that the parameters name", () => {
    const inputArtifacts = [noPlace, anInputArtifact()];
    const event = aPipelineEvent({ inputArtifacts, userParameters: '{"artifact":"MyApp","maxErrors":"2"}' });

    expect(parsePipelineEvent(event)).toEqual({
      kind: "start",
      jobId: JOB_ID,
      artifact: { ...ARTIFACT_PLACE, revision: null },
      options: { ...DEFAULT_USER_PARAMETERS, artifact: "MyApp", maxErrors: "2" },
    });
  });

  it("goes on with the run of a token, whatever has become of the artifact", () => {
    const continuationToken = '{"v":1,"run":"run-0a1b"}';
    const event = aPipelineEvent({ continuationToken, inputArtifacts: [], userParameters: badParameters });

    expect(parsePipelineEvent(event)).toEqual({ kind: "continue", jobId: JOB_ID, runId: "run-0a1b" });
  });

  it.each([
    undefined,
    null,
    7,
    "",
    [],
    {},
    { "CodePipeline.job": null },
    { "CodePipeline.job": JOB_ID },
    { "CodePipeline.job": { id: 7 } },
    aPipelineEvent({ id: null }),
    aPipelineEvent({ id: JOB_ID.toUpperCase() }),
    aPipelineEvent({ id: `${JOB_ID}\n` }),
    aPipelineEvent({ id: JOB_ID.slice(1) }),
    aPipelineEvent({ id: `{${JOB_ID}}` }),
  ])("rejects an event without a job's id: %j", (event) => {
    expect(parsePipelineEvent(event)).toEqual({ kind: "reject", code: "JOB_ID_MISSING" });
  });

  it.each(["", "x", '{"v":1,"run":"a_b"}', 7, {}, false])("fails with a token that is not ours: %j", (token) => {
    expect(parsePipelineEvent(aPipelineEvent({ continuationToken: token }))).toMatchObject({
      kind: "fail",
      jobId: JOB_ID,
      code: "CONTINUATION_INVALID",
      type: "JobFailed",
    });
  });

  it("takes a token of null for none", () => {
    expect(parsePipelineEvent(aPipelineEvent({ continuationToken: null })).kind).toBe("start");
  });

  it.each([[[]], [undefined], [null], ["x"], [[noPlace]], [[null]], [[{}]], [[{ location: null }]]])(
    "fails without a usable artifact: %j",
    (inputArtifacts) => {
      const event = aPipelineEvent();
      Object.assign(event["CodePipeline.job"].data, { inputArtifacts });

      expect(parsePipelineEvent(event)).toMatchObject({
        kind: "fail",
        jobId: JOB_ID,
        code: "ARTIFACT_MISSING",
        type: "ConfigurationError",
      });
    },
  );

  it("fails where there is a job's id and nothing else", () => {
    expect(parsePipelineEvent({ "CodePipeline.job": { id: JOB_ID } })).toMatchObject({ code: "ARTIFACT_MISSING" });
  });

  it("fails where no artifact has the name, and says which there are", () => {
    const event = aPipelineEvent({
      userParameters: '{"artifact":"App"}',
      inputArtifacts: [anInputArtifact(), noPlace],
    });

    expect(parsePipelineEvent(event)).toEqual({
      kind: "fail",
      jobId: JOB_ID,
      code: "ARTIFACT_AMBIGUOUS",
      type: "ConfigurationError",
      message: "UserParameters.artifact names none of the input artifacts: MyApp, Other.",
    });
  });

  it("fails with parameters that are wrong, and lists every problem", () => {
    const event = aPipelineEvent({ userParameters: '{"timeout":"1y","maxErors":"1","wait":"no"}' });

    expect(parsePipelineEvent(event)).toMatchObject({
      kind: "fail",
      jobId: JOB_ID,
      code: "USER_PARAMETERS_INVALID",
      type: "ConfigurationError",
      message: expect.stringMatching(
        /^UserParameters has 3 problems: \/timeout must be a duration.*; \/maxErors is unknown.*; \/wait must be true or false\.$/,
      ),
    });
  });

  it.each([
    ["a token before the artifact", { continuationToken: "x", inputArtifacts: [] }, "CONTINUATION_INVALID"],
    ["the artifact before the parameters", { inputArtifacts: [], userParameters: badParameters }, "ARTIFACT_MISSING"],
    ["its place before the parameters", { inputArtifacts: [noPlace], userParameters: '{"x":1}' }, "ARTIFACT_MISSING"],
    ["its name before other parameters", { userParameters: '{"artifact":"none","x":1}' }, "ARTIFACT_AMBIGUOUS"],
    [
      "the place of the named one before other parameters",
      { inputArtifacts: [anInputArtifact(), noPlace], userParameters: '{"artifact":"Other","x":1}' },
      "ARTIFACT_MISSING",
    ],
    ["no artifact before its name", { inputArtifacts: [], userParameters: '{"artifact":"x"}' }, "ARTIFACT_MISSING"],
  ])("judges %s", (_what, input, code) => {
    expect(parsePipelineEvent(aPipelineEvent(input))).toMatchObject({ code });
  });

  it("knows the profiles that it is told", () => {
    const event = aPipelineEvent({ userParameters: '{"profile":"nightly"}' });

    expect(parsePipelineEvent(event, { profiles: ["ansible"] })).toMatchObject({ code: "USER_PARAMETERS_INVALID" });
    expect(parsePipelineEvent(event, { profiles: ["nightly"] })).toMatchObject({ kind: "start" });
  });

  it("never tells credentials", () => {
    for (const input of [{}, { userParameters: badParameters }, { continuationToken: '{"v":1,"run":"r"}' }]) {
      const told = JSON.stringify(parsePipelineEvent(aPipelineEvent(input)));

      for (const secret of Object.values(ARTIFACT_CREDENTIALS)) expect(told).not.toContain(secret);
    }
  });

  it("crashes at nothing", () => {
    const job = fc.record(
      { id: fc.constantFrom(JOB_ID, "x", 7), data: fc.oneof(fc.object(), fc.anything()) },
      { requiredKeys: [] },
    );
    const event = fc.oneof(
      fc.anything(),
      job.map((each) => ({ "CodePipeline.job": each })),
    );

    fc.assert(
      fc.property(event, (each) => {
        expect(["reject", "fail", "continue", "start"]).toContain(parsePipelineEvent(each).kind);
      }),
    );
  });
});

describe("findArtifactCredentials", () => {
  it("finds what the event brings", () => {
    expect(findArtifactCredentials(aPipelineEvent())).toEqual(ARTIFACT_CREDENTIALS);
  });

  it("finds none where there are none", () => {
    expect(findArtifactCredentials({ "CodePipeline.job": { id: JOB_ID, data: { artifactCredentials: {} } } })).toBe(
      undefined,
    );
  });
});
