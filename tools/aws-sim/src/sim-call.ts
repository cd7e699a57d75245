import type { AwsSim } from "./aws-sim.ts";
import type { Identity } from "./identities.ts";

/** A request as a binding to clients brings it. */
export interface SimRequest {
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
}

/** One request, as a service of the simulation sees it. */
export interface SimCall {
  /** As the SDK names the client, without `Client`. */
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly identity: Identity;
  readonly now: number;
}

/** One service: its operations by name. What an operation throws is the client's error, what it gives is the output. */
export interface SimService {
  readonly operations: Readonly<Record<string, (call: SimCall) => unknown>>;
  /** The errors that differ from service to service. */
  readonly faults: ServiceFaults;
  /** The IAM action of an operation. */
  toAction(operation: string): string;
}

/** The names of common errors in a service's protocol. */
export interface ServiceFaults {
  readonly unknownKey: (accessKeyId: string) => Error;
  readonly expired: () => Error;
  readonly denied: (who: string, action: string) => Error;
  readonly throttled: () => Error;
}

/** A text field of an input that has to be there; the SDK refuses a request without it before it is sent. */
export function textOf(input: Readonly<Record<string, unknown>>, field: string): string {
  const value = input[field];
  if (typeof value !== "string") throw new Error(`No value provided for input HTTP label: ${field}.`);
  return value;
}

/** A text field that may be left out. */
export function findText(input: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = input[field];
  return typeof value === "string" ? value : undefined;
}

/** A number that may be left out. */
export function findNumber(input: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = input[field];
  return typeof value === "number" ? value : undefined;
}

/** As `client.middlewareStack.use` and the option `plugins` of `createAwsAccess` take it. */
export interface SimPlugin {
  applyToStack(stack: Stack): void;
}

/** The part of a client's middleware stack that is used: every service has types of its own, and all take this. */
interface Stack {
  add(middleware: never, options: never): void;
}

type Handle = (args: { readonly input: object; readonly request?: unknown }) => Promise<unknown>;
type Middleware = (next: Handle, context: Readonly<Record<string, unknown>>) => Handle;

let requests = 0;

/**
 * Answers a client's requests in the place of the network: the SDK has validated, resolved the endpoint and signed, and
 * it retries what is thrown here as it would retry AWS's errors. Put it on each client.
 */
export function createSimPlugin(sim: AwsSim): SimPlugin {
  // Before the deserializer, so that outputs need not be spelt out as HTTP, and after the signature.
  const options = { name: "awsSim", step: "deserialize", priority: "high", override: true };
  return { applyToStack: (stack) => stack.add(toMiddleware(sim) as never, options as never) };
}

function toMiddleware(sim: AwsSim): Middleware {
  return (_next, { clientName, commandName }) =>
    async (args) => {
      requests += 1;
      const requestId = `00000000-0000-4000-8000-${String(requests).padStart(12, "0")}`;
      const service = String(clientName).replace(/Client$/, "");
      const operation = String(commandName).replace(/Command$/, "");
      try {
        const output = await sim.serve({ service, operation, input: { ...args.input }, ...readSigner(args.request) });
        const $metadata = { httpStatusCode: 200, requestId };
        return { response: { statusCode: 200, headers: {} }, output: { $metadata, ...Object(output) } };
      } catch (error) {
        if (error instanceof Error && "$metadata" in error) Object.assign(Object(error.$metadata), { requestId });
        throw error;
      }
    };
}

interface Signer {
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
}

const CREDENTIAL = /Credential=([^/]+)\/\d{8}\/([^/]+)\//;

/** Who signed, and for which region ("Authenticating Requests: Using the Authorization Header", the credential scope). */
function readSigner(request: unknown): Signer {
  const headers = Object(Object(request).headers);
  const [, accessKeyId = "", region = ""] = CREDENTIAL.exec(String(headers.authorization)) ?? [];
  const token: unknown = headers["x-amz-security-token"];
  return { region, accessKeyId, sessionToken: typeof token === "string" ? token : undefined };
}

/** An error as a client of the SDK throws it for an answer of AWS. */
export class SimFault extends Error {
  readonly $fault: "client" | "server";
  readonly $metadata: { readonly httpStatusCode: number; requestId?: string };

  /** `name`: as the service names it. `fields`: what else the service puts into the error. */
  constructor(name: string, httpStatusCode: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.$fault = httpStatusCode >= 500 ? "server" : "client";
    this.$metadata = { httpStatusCode };
    Object.assign(this, fields);
  }
}

/** A connection that broke before the answer came. Nobody can tell whether the request was served. */
export function connectionReset(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

/**
 * The common errors of services that speak the query protocol ("Common errors" in their API references, for example those of
 * Auto Scaling, Elastic Load Balancing, IAM and STS).
 */
export const queryFaults = {
  unknownKey: () => new SimFault("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredToken", 403, "The security token included in the request is expired"),
  denied: (who: string, action: string) =>
    new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("Throttling", 400, "Rate exceeded"),
  invalid: (message: string) => new SimFault("ValidationError", 400, message),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;

/** The common errors of services that speak JSON ("Common errors" in their API references, for example Secrets Manager's). */
export const jsonFaults = {
  unknownKey: () =>
    new SimFault("UnrecognizedClientException", 400, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredTokenException", 400, "The security token included in the request is expired"),
  denied: (who: string, action: string) =>
    new SimFault("AccessDeniedException", 400, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("ThrottlingException", 400, "Rate exceeded"),
} satisfies ServiceFaults;

/** A token or marker that says where the next page begins. */
export function toPageToken(from: number): string {
  return Buffer.from(`from:${from}`).toString("base64");
}

/** Where a page begins: the first one without a token; undefined: the token is none that was given. */
export function parsePageToken(token: string | undefined): number | undefined {
  if (token === undefined) return 0;
  const found = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString());
  return found === null ? undefined : Number(found[1]);
}

type Input = Readonly<Record<string, unknown>>;

/** A list of texts, empty where there is none. */
export function textsOf(input: Input, field: string): readonly string[] {
  const value = input[field];
  return Array.isArray(value) ? value.map(String) : [];
}

/** A list of structures, empty where there is none. */
export function recordsOf(input: Input, field: string): readonly Input[] {
  const value = input[field];
  return Array.isArray(value) ? value.map((each) => Object(each)) : [];
}

/** A structure that may be left out. */
export function findRecord(input: Input, field: string): Input | undefined {
  const value = input[field];
  return typeof value === "object" && value !== null ? Object(value) : undefined;
}

/** A yes or no that may be left out. */
export function findFlag(input: Input, field: string): boolean | undefined {
  const value = input[field];
  return typeof value === "boolean" ? value : undefined;
}

/** A service's own token bucket for one account, region and group of operations. */
export interface Throttle {
  /** False: the call is refused. */
  admit(key: string, now: number): boolean;
}

/** So many calls a second, and so many at once after a pause. */
export interface ThrottleInput {
  readonly perSecond: number;
  readonly burst?: number;
}

/** Buckets that are full at first and are refilled by the second. */
export function createThrottle({ perSecond, burst = perSecond }: ThrottleInput): Throttle {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    admit(key, now) {
      const bucket = buckets.get(key) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * perSecond);
      const admitted = tokens >= 1;
      buckets.set(key, { tokens: admitted ? tokens - 1 : tokens, at: now });
      return admitted;
    },
  };
}

/**
 * EC2 developer guide, "Request throttling for the Amazon EC2 API", per action: a bucket of 100 tokens for those that change
 * nothing, refilled by 20 a second, and one of 50, refilled by 5, for others.
 */
const EC2_READ = { perSecond: 20, burst: 100 };
const EC2_WRITE = { perSecond: 5, burst: 50 };
/** Service quotas, "Amazon CloudWatch endpoints and quotas": requests a second of each operation on alarms. */
const ALARM_READ = { perSecond: 9 };
const ALARM_WRITE = { perSecond: 3 };
/**
 * "Request throttling for the Elastic Load Balancing API": each generation has its own bucket of 40 tokens for Describe actions,
 * refilled by 10 a second. Those of other actions are smaller; here they share it.
 */
const BALANCING = { perSecond: 10, burst: 40 };
/** AWS documents no rates of Auto Scaling, IAM and Run Command. These are what tests count on. */
const SCALING = { perSecond: 10, burst: 50 };
const IAM = { perSecond: 15, burst: 50 };
const COMMANDS = { perSecond: 1 };

/** Per account and region. */
const RATES: Readonly<Record<string, ThrottleInput>> = {
  AutoScaling: SCALING,
  "CloudWatch.DeleteAlarms": ALARM_WRITE,
  "CloudWatch.DescribeAlarms": ALARM_READ,
  "CloudWatch.PutMetricAlarm": ALARM_WRITE,
  "CloudWatch.SetAlarmState": ALARM_WRITE,
  "EC2.CreateLaunchTemplate": EC2_WRITE,
  "EC2.CreateLaunchTemplateVersion": EC2_WRITE,
  "EC2.CreatePlacementGroup": EC2_WRITE,
  "EC2.DeleteLaunchTemplate": EC2_WRITE,
  "EC2.DeletePlacementGroup": EC2_WRITE,
  "EC2.DescribeImages": EC2_READ,
  "EC2.DescribeInstances": EC2_READ,
  "EC2.DescribeLaunchTemplates": EC2_READ,
  "EC2.DescribeLaunchTemplateVersions": EC2_READ,
  "EC2.DescribePlacementGroups": EC2_READ,
  "EC2.DescribeSecurityGroups": EC2_READ,
  "EC2.DescribeSubnets": EC2_READ,
  ElasticLoadBalancing: BALANCING,
  ElasticLoadBalancingV2: BALANCING,
  IAM,
  "SSM.SendCommand": COMMANDS,
};

/** Throttles services as AWS does, or more. */
export function limitAsDocumented(sim: Pick<AwsSim, "limit">): void {
  for (const [operation, limit] of Object.entries(RATES)) sim.limit(operation, limit);
}
