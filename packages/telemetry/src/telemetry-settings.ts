import { type LogLevel, toLogLevel } from "./json-logger.ts";

/** Environment variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** Where one signal is sent. */
export interface ExportSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Which traces are kept. */
export interface SamplerSettings {
  readonly kind: "always_on" | "always_off" | "traceidratio";
  readonly ratio: number;
  /** What the sender has decided counts. */
  readonly isParentBased: boolean;
}

/** What the environment says about telemetry. */
export interface TelemetrySettings {
  readonly level: LogLevel;
  readonly yard: string;
  readonly service: string;
  /** Metrics are written as lines of CloudWatch's embedded metric format. */
  readonly emf: boolean;
  readonly traces: ExportSettings | undefined;
  readonly metrics: ExportSettings | undefined;
  readonly sampler: SamplerSettings;
  /** Attributes of all that is exported. */
  readonly resource: Readonly<Record<string, string>>;
  /** What could not be followed, for the log. */
  readonly faults: readonly string[];
}

/**
 * Reads them. Nothing here makes an app fail: what is wrong is a sentence in `faults`. The names are OpenTelemetry's:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function parseTelemetrySettings(environment: EnvironmentVariables, service: string): TelemetrySettings {
  const faults: string[] = [];
  const isOn = environment["OTEL_SDK_DISABLED"]?.toLowerCase() !== "true";
  const find = (signal: Signal) => (isOn ? findExport(environment, signal, faults) : undefined);
  const protocol = environment["OTEL_EXPORTER_OTLP_PROTOCOL"];
  const [traces, metrics] = [find("traces"), find("metrics")];
  if ((traces ?? metrics) !== undefined && protocol !== undefined && protocol !== "" && !protocol.startsWith("http/")) {
    faults.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}; this sends JSON over HTTP, to port 4318 of most collectors.`,
    );
  }
  return {
    level: toLogLevel(environment["LOG_LEVEL"]),
    yard: environment["YARD_NAME"] || "main",
    service: environment["OTEL_SERVICE_NAME"] || service,
    emf: toEmf(environment),
    traces,
    metrics,
    faults,
    sampler: toSampler(environment, faults),
    resource: parsePairs(environment["OTEL_RESOURCE_ATTRIBUTES"]),
  };
}

type Signal = "traces" | "metrics";

function findExport(environment: EnvironmentVariables, signal: Signal, faults: string[]): ExportSettings | undefined {
  const name = signal.toUpperCase();
  if (environment[`OTEL_${name}_EXPORTER`] === "none") return undefined;
  const own = environment[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`];
  const base = environment["OTEL_EXPORTER_OTLP_ENDPOINT"];
  // The path is added to the common address only, as OpenTelemetry has it.
  const url = own || (base ? `${base.replace(/\/+$/, "")}/v1/${signal}` : "");
  if (url === "") return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    faults.push(`OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://localhost:4318; no ${signal} are sent.`);
    return undefined;
  }
  const headers = environment[`OTEL_EXPORTER_OTLP_${name}_HEADERS`] || environment["OTEL_EXPORTER_OTLP_HEADERS"];
  return { url, headers: parsePairs(headers) };
}

/** CloudWatch Logs reads what functions and tasks of ECS write; at a terminal such lines would only disturb. */
function toEmf(environment: EnvironmentVariables): boolean {
  const asked = environment["EMF_METRICS"];
  if (asked === "true" || asked === "false") return asked === "true";
  return ["AWS_LAMBDA_FUNCTION_NAME", "ECS_CONTAINER_METADATA_URI_V4"].some((name) => Boolean(environment[name]));
}

function toSampler(environment: EnvironmentVariables, faults: string[]): SamplerSettings {
  const name = environment["OTEL_TRACES_SAMPLER"] || "parentbased_always_on";
  const isParentBased = name.startsWith("parentbased_");
  const kind = KINDS.find((each) => each === name.replace("parentbased_", ""));
  if (kind === undefined) faults.push(`OTEL_TRACES_SAMPLER is ${name}, which is not known; all traces are kept.`);
  const ratio = Number(environment["OTEL_TRACES_SAMPLER_ARG"] || "1");
  const isRatio = ratio >= 0 && ratio <= 1;
  if (!isRatio) faults.push("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; all traces are kept.");
  return { kind: kind ?? "always_on", ratio: isRatio ? ratio : 1, isParentBased: kind === undefined || isParentBased };
}

const KINDS = ["always_on", "always_off", "traceidratio"] as const;

/** `a=1,b=2`, percent-encoded; what is no pair is passed over. */
function parsePairs(text = ""): Readonly<Record<string, string>> {
  const pairs = text.split(",").flatMap((pair) => {
    const [name = "", ...rest] = pair.split("=");
    return name.trim() === "" || rest.length === 0 ? [] : [[name.trim(), toDecoded(rest.join("=").trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function toDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
