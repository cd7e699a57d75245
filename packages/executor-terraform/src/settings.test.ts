import { describe, expect, it } from "vitest";
import { toEnvironment, toSettings } from "./settings.ts";

const runner = {
  PATH: "/bin",
  HOME: "/home/runner",
  LC_ALL: "C",
  TF_CLI_CONFIG_FILE: "/nowhere",
  TF_LOG: "trace",
  AWS_ACCESS_KEY_ID: "AKIARUNNER",
  AWS_PROFILE: "runner",
  DATABASE_URL: "postgres://secret",
  TF_TOKEN_app: "t",
};
const fixed = { TF_IN_AUTOMATION: "1", TF_INPUT: "0", CHECKPOINT_DISABLE: "1", TF_HTTP_RETRY_MAX: "6" };
const input = { runner, passEnvironment: [], variables: new Map<string, string>(), settings: {} };

describe("toEnvironment", () => {
  it("hands on what programs need and the runner's way to AWS, and nothing else", () => {
    expect(toEnvironment(input)).toEqual({
      PATH: "/bin",
      HOME: "/home/runner",
      LC_ALL: "C",
      ...fixed,
      AWS_ACCESS_KEY_ID: "AKIARUNNER",
      AWS_PROFILE: "runner",
    });
  });

  it("never passes what would move the state or add arguments, by a star or by name", () => {
    const hostile = { TF_CLI_ARGS: "-state=x", TF_CLI_ARGS_apply: "-target=a", TF_DATA_DIR: "/tmp/x", TF_LOG: "info" };
    const passed = toEnvironment({ ...input, runner: hostile, passEnvironment: ["TF_*", "TF_CLI_ARGS"] });

    expect(passed).toEqual({ ...fixed, TF_LOG: "info" });
    const deps = { projectDir: "/p", dataDir: "/d", environment: {} };
    for (const name of ["TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_DATA_DIR"])
      expect(() => toSettings({ passEnvironment: [name] }, deps)).toThrow(name);
  });

  it.each([[], ["AWS_*"], ["AWS_PROFILE"]])(
    "gives the target's credentials instead of the runner's, also if it passes %j",
    (...passEnvironment) => {
      const target = { account: "123456789012", region: "eu-central-1", partition: "aws" };
      const credentials = { AWS_ACCESS_KEY_ID: "ASIATARGET", AWS_SECRET_ACCESS_KEY: "s" };

      expect(toEnvironment({ ...input, passEnvironment, access: { target, credentials } })).toEqual({
        PATH: "/bin",
        HOME: "/home/runner",
        LC_ALL: "C",
        ...fixed,
        AWS_ACCESS_KEY_ID: "ASIATARGET",
        AWS_SECRET_ACCESS_KEY: "s",
        AWS_REGION: "eu-central-1",
        AWS_DEFAULT_REGION: "eu-central-1",
      });
    },
  );

  it("lets the runner's environment set how often calls to an http backend are retried", () => {
    const patient = toEnvironment({ ...input, runner: { TF_HTTP_RETRY_MAX: "9", TF_HTTP_RETRY_WAIT_MIN: "2" } });

    expect(patient).toMatchObject({ TF_HTTP_RETRY_MAX: "9", TF_HTTP_RETRY_WAIT_MIN: "2" });
  });

  it("hands on what is named besides, and sets the configured file", () => {
    const more = toEnvironment({
      ...input,
      passEnvironment: ["TF_TOKEN_*", "TF_LOG", "ABSENT"],
      cliConfigFile: "/a.rc",
    });

    expect(more).toMatchObject({ TF_TOKEN_app: "t", TF_LOG: "trace", TF_CLI_CONFIG_FILE: "/a.rc" });
    expect(more).not.toHaveProperty("ABSENT");
  });

  it("sets the parent span, and where Terraform's own traces are sent, without the headers that may contain a key", () => {
    const traced = toEnvironment({
      ...input,
      runner: {
        OTEL_TRACES_EXPORTER: "otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
        OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret",
        TRACEPARENT: "of the runner",
      },
      traceContext: { traceparent: "00-a-b-01", tracestate: "a=1" },
    });

    expect(traced).toEqual({
      ...fixed,
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
      TRACEPARENT: "00-a-b-01",
      TRACESTATE: "a=1",
    });
  });

  it("cannot be changed by a variable's name", () => {
    const variables = new Map([["PATH", "/evil"]]);

    expect(toEnvironment({ ...input, variables })).toMatchObject({ PATH: "/bin", TF_VAR_PATH: "/evil" });
  });

  it.each([
    ["a\0b", "contains the character U+0000"],
    ["x".repeat(140_000), "has 140000 bytes"],
  ])("rejects a value that cannot be passed to a program", (value, why) => {
    expect(() => toEnvironment({ ...input, variables: new Map([["a", value]]) })).toThrow(`The variable "a" ${why}`);
  });
});

describe("toSettings", () => {
  it("refuses the name of a yard that tags, roles and metrics cannot have, before any task runs", () => {
    const toYard = (YARD_NAME?: string) =>
      toSettings({}, { projectDir: "/p", dataDir: "/p/data", environment: { YARD_NAME } }).yard;

    expect([toYard(), toYard("blue")]).toEqual(["main", "blue"]);
    expect(() => toYard("two words")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
