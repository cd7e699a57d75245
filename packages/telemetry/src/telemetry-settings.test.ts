import { describe, expect, it } from "vitest";
import { parseTelemetrySettings } from "./telemetry-settings.ts";

const parse = (environment: Readonly<Record<string, string>>) => parseTelemetrySettings(environment, "state-manager");
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };

describe("parseTelemetrySettings", () => {
  it("exports nothing by default", () => {
    expect(parse({})).toEqual({
      level: "info",
      yard: "main",
      service: "state-manager",
      emf: false,
      traces: undefined,
      metrics: undefined,
      sampler: { kind: "always_on", ratio: 1, isParentBased: true },
      resource: {},
      faults: [],
    });
  });

  it("adds each signal's path to the common address, and uses a signal's own address unchanged", () => {
    const { traces, metrics } = parse({ ...ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://m.example.org/in" });

    expect(traces?.url).toBe("http://localhost:4318/v1/traces");
    expect(metrics?.url).toBe("https://m.example.org/in");
    expect(parse({ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/base/" }).traces?.url).toBe("https://c/base/v1/traces");
  });

  it("reads headers, common ones and those of a signal", () => {
    const { traces, metrics } = parse({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b, x-team = c=d ,none",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-key=%zz",
    });

    expect([metrics?.headers, traces?.headers]).toEqual([{ "x-key": "a b", "x-team": "c=d" }, { "x-key": "%zz" }]);
  });

  it("can be turned off, whole or by signal", () => {
    const off = parse({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" });
    const metricsOnly = parse({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" });

    expect([off.traces, off.metrics]).toEqual([undefined, undefined]);
    expect([metricsOnly.traces, metricsOnly.metrics?.url]).toEqual([undefined, "http://localhost:4318/v1/metrics"]);
  });

  it("reports an invalid address and continues without it", () => {
    const { traces, faults } = parse({ OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" });

    expect(traces).toBeUndefined();
    expect(faults[0]).toContain("must be an address such as http://localhost:4318");
  });

  it("uses the default of everything that is invalid, and reports each once", () => {
    const { level, yard, emf, faults } = parse({
      LOG_LEVEL: "loud",
      YARD_NAME: "two words",
      EMF_METRICS: "maybe",
      OTEL_TRACES_SAMPLER_ARG: "most",
    });

    expect([level, yard, emf]).toEqual(["info", "main", false]);
    expect(faults).toEqual([
      "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1. It is ignored.",
      "LOG_LEVEL must be debug, info, warn or error. It is ignored.",
      "YARD_NAME must be 1 to 64 letters, digits and _.-. It is ignored.",
      "EMF_METRICS must be true or false. It is ignored.",
    ]);
    expect(parse({ LOG_LEVEL: "debug" }).level).toBe("debug");
    expect(parse({ LOG_LEVEL: "" }).level).toBe("info");
  });

  it("reports that gRPC is not supported", () => {
    expect(parse({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }).faults).toHaveLength(1);
    expect(parse({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" }).faults).toEqual([]);
    expect(parse({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }).faults).toEqual([]);
  });

  it.each([
    [{ AWS_LAMBDA_FUNCTION_NAME: "f" }, true],
    [{ ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/x" }, true],
    [{ AWS_LAMBDA_FUNCTION_NAME: "f", EMF_METRICS: "false" }, false],
    [{ EMF_METRICS: "true" }, true],
    [{}, false],
  ])("writes CloudWatch's format where CloudWatch reads: %j", (environment, emf) => {
    expect(parse({ ...environment }).emf).toBe(emf);
  });

  it.each([
    [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" }, ["traceidratio", 0.1, false], 0],
    [{ OTEL_TRACES_SAMPLER: "parentbased_always_off" }, ["always_off", 1, true], 0],
    [{ OTEL_TRACES_SAMPLER: "jaeger_remote" }, ["always_on", 1, true], 1],
    [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }, ["traceidratio", 1, false], 1],
  ])("reads which traces are kept: %j", (environment, expected, faults) => {
    const { sampler, faults: told } = parse({ ...environment });

    expect([sampler.kind, sampler.ratio, sampler.isParentBased]).toEqual(expected);
    expect(told).toHaveLength(faults);
  });

  it("names service, yard and resource", () => {
    const { service, yard, resource } = parse({
      OTEL_SERVICE_NAME: "yard",
      YARD_NAME: "staging",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
    });

    expect([service, yard, resource]).toEqual(["yard", "staging", { "deployment.environment": "test" }]);
  });
});
