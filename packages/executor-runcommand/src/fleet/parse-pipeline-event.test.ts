import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ARTIFACT_CREDENTIALS,
  ARTIFACT_PLACE,
  anInputArtifact,
  aPipelineEvent,
  JOB_ID,
} from "../testing/a-pipeline-event.ts";
import {
  DEFAULT_USER_PARAMETERS,
  findArtifactCredentials,
  findArtifactLocation,
  findTokenRun,
  parsePipelineEvent,
  parseUserParameters,
  toContinuationToken,
  toFailureType,
} from "./parse-pipeline-event.ts";

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

  it("continues the run of a token, whatever happened to the artifact", () => {
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
      message: "UserParameters.artifact is not an input artifact of this action. Input artifacts: MyApp, Other.",
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

  it("accepts the given profiles", () => {
    const event = aPipelineEvent({ userParameters: '{"profile":"nightly"}' });

    expect(parsePipelineEvent(event, { profiles: ["ansible"] })).toMatchObject({ code: "USER_PARAMETERS_INVALID" });
    expect(parsePipelineEvent(event, { profiles: ["nightly"] })).toMatchObject({ kind: "start" });
  });

  it("never contains credentials", () => {
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

  it("returns an empty result without records", () => {
    expect(findArtifactCredentials({ "CodePipeline.job": { id: JOB_ID, data: { artifactCredentials: {} } } })).toBe(
      undefined,
    );
  });
});

const parse = (value: unknown, profiles?: readonly string[]) =>
  parseUserParameters(JSON.stringify(value), profiles === undefined ? {} : { profiles });

function pathsOf(value: unknown): readonly string[] {
  const parsed = parse(value);
  return parsed.kind === "problems" ? parsed.problems.map(({ path }) => path) : [];
}

describe("parseUserParameters", () => {
  it.each([undefined, null, "", "{}"])("takes the defaults for %j", (text) => {
    expect(parseUserParameters(text)).toEqual({ kind: "options", options: DEFAULT_USER_PARAMETERS });
  });

  it("has the documented defaults", () => {
    expect(DEFAULT_USER_PARAMETERS).toEqual({
      profile: "ansible",
      tagKey: "has_ssm_agent",
      tagValues: ["true", "True"],
      maxConcurrency: "50",
      maxErrors: "0",
      timeout: "10m",
      deliveryTimeout: "15m",
      ignoreUnreachable: false,
      allowEmpty: false,
      wait: true,
      dryRun: false,
    });
  });

  it("takes every parameter", () => {
    const all = {
      artifact: "My_App-1",
      profile: "garlc-1",
      tagKey: "Managed",
      tagValues: ["yes", ""],
      targets: [{ key: "tag:Role", values: ["web"] }],
      maxConcurrency: "10%",
      maxErrors: "3",
      timeout: "48h",
      deliveryTimeout: "30d",
      ignoreUnreachable: true,
      allowEmpty: true,
      wait: false,
      dryRun: true,
    };

    expect(parse(all)).toEqual({ kind: "options", options: all });
  });

  it("takes counts that are written as numbers", () => {
    expect(parse({ maxConcurrency: 3, maxErrors: 0 })).toMatchObject({
      options: { maxConcurrency: "3", maxErrors: "0" },
    });
  });

  it.each(["true", "[]", "7", "null", "{", " ", "run everything", "undefined"])("rejects the text %j", (text) => {
    const problems = [{ path: "", message: "must be a JSON object" }];

    expect(parseUserParameters(text)).toEqual({ kind: "problems", problems });
  });

  it.each([
    ["artifact", 7],
    ["profile", "Ansible"],
    ["profile", ""],
    ["profile", null],
    ["tagKey", ""],
    ["tagKey", "k".repeat(129)],
    ["tagValues", []],
    ["tagValues", "true"],
    ["tagValues", ["v".repeat(257)]],
    ["tagValues", Array.from({ length: 51 }, () => "v")],
    ["targets", []],
    ["targets", [{ key: "tag:a", values: [] }]],
    ["targets", [{ key: "has_ssm_agent", values: ["true"] }]],
    ["targets", [{ key: `tag:${"k".repeat(160)}`, values: ["true"] }]],
    ["targets", [{ key: "tag:a", values: ["true"], more: 1 }]],
    ["targets", Array.from({ length: 6 }, () => ({ key: "tag:a", values: ["true"] }))],
    ["targets", [{ key: "tag:a", values: Array.from({ length: 51 }, () => "v") }]],
    ["maxConcurrency", "0"],
    ["maxConcurrency", "0%"],
    ["maxConcurrency", "101%"],
    ["maxConcurrency", "12345678"],
    ["maxConcurrency", 1.5],
    ["maxConcurrency", -1],
    ["maxErrors", "-1"],
    ["maxErrors", "05"],
    ["maxErrors", "110%"],
    ["timeout", "999ms"],
    ["timeout", "49h"],
    ["timeout", "10"],
    ["timeout", 600],
    ["deliveryTimeout", "29s"],
    ["deliveryTimeout", "31d"],
    ["ignoreUnreachable", "true"],
    ["allowEmpty", 1],
    ["wait", null],
    ["dryRun", "no"],
    ["tagkey", "x"],
    ["__proto__", {}],
    ["constructor", {}],
  ])("rejects %s = %j, and says where", (key, value) => {
    expect(parseUserParameters(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`)).toMatchObject({
      kind: "problems",
      problems: [{ path: `/${key}` }],
    });
  });

  it.each([
    ["artifact", "any name.zip"],
    ["maxConcurrency", "1"],
    ["maxConcurrency", "9999999"],
    ["maxConcurrency", "1%"],
    ["maxConcurrency", "100%"],
    ["maxErrors", "0"],
    ["maxErrors", "0%"],
    ["maxErrors", "100%"],
    ["timeout", "1s"],
    ["timeout", "172800s"],
    ["deliveryTimeout", "30s"],
    ["tagKey", "k".repeat(128)],
    ["targets", [{ key: `tag:${"k".repeat(159)}`, values: ["v"] }]],
    ["targets", [{ key: "InstanceIds", values: ["i-0abcd1234abcd1234"] }]],
  ])("takes %s = %j at its limit", (key, value) => {
    expect(parse({ [key]: value }).kind).toBe("options");
  });

  it("lists every problem, more than eight too", () => {
    const value = {
      profile: 1,
      tagKey: 1,
      tagValues: 1,
      targets: 1,
      maxConcurrency: "x",
      maxErrors: "x",
      timeout: 1,
      deliveryTimeout: 1,
      ignoreUnreachable: 1,
      allowEmpty: 1,
      wait: 1,
      dryRun: 1,
      "a/b~": 1,
      unknown: 1,
    };

    expect(pathsOf(value)).toEqual([
      ...Object.keys(value)
        .slice(0, 12)
        .map((key) => `/${key}`),
      "/a~1b~0",
      "/unknown",
    ]);
  });

  it("takes 1,000 characters and no more", () => {
    const fill = (length: number) => `{"wait":true${" ".repeat(length - 13)}}`;

    expect(parseUserParameters(fill(1_000)).kind).toBe("options");
    expect(parseUserParameters(fill(1_001))).toEqual({
      kind: "problems",
      problems: [{ path: "", message: "must have at most 1000 characters, not 1001" }],
    });
  });

  it("counts a character outside of the first plane once", () => {
    const fill = (length: number) => JSON.stringify({ tagKey: "😀".repeat(60) }).padEnd(length);

    expect(parseUserParameters(fill(1_060)).kind).toBe("options");
    expect(parseUserParameters(fill(1_061)).kind).toBe("problems");
  });

  it("accepts any profile if the profiles are unknown, otherwise only known ones", () => {
    expect(parse({ profile: "nightly" }).kind).toBe("options");
    expect(parse({ profile: "nightly" }, ["ansible", "nightly"]).kind).toBe("options");
    expect(parse({ profile: "nightli" }, ["ansible", "nightly"])).toEqual({
      kind: "problems",
      problems: [{ path: "/profile", message: "is an unknown profile; valid are ansible, nightly" }],
    });
  });

  it("never crashes, and accepts only values within its limits", () => {
    const anything = fc.oneof(fc.string(), fc.json(), fc.anything());

    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseUserParameters(text);

        if (parsed.kind === "problems") expect(parsed.problems.length).toBeGreaterThan(0);
        else expect(Object.keys(parsed.options).length).toBeGreaterThanOrEqual(11);
      }),
    );
  });
});

describe("findArtifactLocation", () => {
  it("finds bucket and key", () => {
    expect(findArtifactLocation(anInputArtifact())).toEqual(ARTIFACT_PLACE);
  });

  it.each(["abc", "a.b-c", "1bucket1", "a".repeat(63)])("takes the bucket %s", (bucket) => {
    expect(findArtifactLocation(anInputArtifact({ bucket }))?.bucket).toBe(bucket);
  });

  it.each([
    "",
    "ab",
    "a".repeat(64),
    "Bucket",
    "my_bucket",
    "my bucket",
    "-bucket",
    "bucket-",
    "a..b",
    "192.168.5.4",
    "bücket",
    "bucket\n",
    7,
    null,
  ])("rejects the bucket %j", (bucket) => {
    expect(findArtifactLocation(anInputArtifact({ bucket }))).toBeUndefined();
  });

  it.each(["k", "a b/ü/😀.zip", "k".repeat(1_024), "ü".repeat(512)])("takes the key %j", (key) => {
    expect(findArtifactLocation(anInputArtifact({ key }))?.key).toBe(key);
  });

  it.each(["", "k".repeat(1_025), "ü".repeat(513), "a\nb", "a\u0000", "a\u007f", "a\u0085", "\ud800", 7, undefined])(
    "refuses the key %j",
    (key) => {
      const artifact = { location: { s3Location: { bucketName: "abc", objectKey: key } } };

      expect(findArtifactLocation(artifact)).toBeUndefined();
    },
  );

  it("finds none in whatever else there is", () => {
    fc.assert(
      fc.property(fc.anything(), (artifact) => {
        expect(findArtifactLocation(artifact)).toBeUndefined();
      }),
    );
  });
});

describe("a continuation token", () => {
  it("is a reference to the run, in one form", () => {
    expect(toContinuationToken("run-12ab")).toBe('{"v":1,"run":"run-12ab"}');
  });

  it("gives every run's id back, and fits", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/), (runId) => {
        const token = toContinuationToken(runId);

        expect(token.length).toBeLessThanOrEqual(2_048);
        expect(findTokenRun(token)).toBe(runId);
      }),
    );
  });

  it.each([
    [""],
    ["run-12ab"],
    ["{}"],
    ["null"],
    ["[]"],
    ['{"v":1}'],
    ['{"v":2,"run":"a"}'],
    ['{"v":"1","run":"a"}'],
    ['{"v":1,"run":7}'],
    ['{"v":1,"run":""}'],
    ['{"v":1,"run":"a/b"}'],
    ['{"v":1,"run":"a\\n"}'],
    [`{"v":1,"run":"${"a".repeat(65)}"}`],
    ['{"v":1,"run":"a","state":"x"}'],
    ['{"v":1,"__proto__":{"run":"a"}}'],
    [`{"v":1,"run":"a"}${" ".repeat(2_048)}`],
    [{ v: 1, run: "a" }],
    [7],
    [undefined],
  ])("is not ours: %j", (token) => {
    expect(findTokenRun(token)).toBeUndefined();
  });
});

describe("toFailureType", () => {
  it.each([
    ["USER_PARAMETERS_INVALID", "ConfigurationError"],
    ["ARTIFACT_MISSING", "ConfigurationError"],
    ["ARTIFACT_AMBIGUOUS", "ConfigurationError"],
    ["PROFILE_UNKNOWN", "ConfigurationError"],
    ["CONFIG_INVALID", "ConfigurationError"],
    ["INVALID_DOCUMENT", "ConfigurationError"],
    ["ACCESS_DENIED", "PermissionError"],
    ["FORBIDDEN", "PermissionError"],
    ["ARTIFACT_NOT_FOUND", "RevisionUnavailable"],
    ["SSM_THROTTLED", "SystemUnavailable"],
    ["AWS_UNAVAILABLE", "SystemUnavailable"],
    ["RATE_LIMITED", "SystemUnavailable"],
    ["STORE_UNAVAILABLE", "SystemUnavailable"],
    ["NO_INSTANCES", "JobFailed"],
    ["COMMAND_FAILED", "JobFailed"],
    ["CONTINUATION_INVALID", "JobFailed"],
    ["SSM_AGENT_TIMEOUT", "JobFailed"],
    ["INTERNAL", "JobFailed"],
    ["constructor", "JobFailed"],
    ["", "JobFailed"],
  ])("maps %s to %s", (code, type) => {
    expect(toFailureType(code)).toBe(type);
  });
});
