import { type AwsAccess, callAws, findRegion, findUploadEncryption } from "@stackyard/aws";
import { type AwsYardOptions, type Clock, defined, StackyardError, type Target } from "@stackyard/core";
import { type EnvironmentVariables, readEnvironment } from "@stackyard/core/environment";
import { Type } from "typebox";
import { findAccessKeys, findEndpointFaults, toEndpoints, Variables } from "../environment.ts";
import { createEnvironmentAws } from "../environment-aws.ts";
import type { YardContext } from "./yard-deps.ts";
import { toYardDeps } from "./yard-deps.ts";

const EndpointVariables = Type.Object({ AWS_ENDPOINT_URL: Variables.properties.AWS_ENDPOINT_URL });

/**
 * Creates access to AWS for a yard: in the yard's region, with its profile or the environment's credentials, and in its
 * role, if it has one. Makes no request yet. Throws `CONFIG_INVALID`.
 */
export function createYardAws(yard: AwsYardOptions, context: YardContext): AwsAccess {
  const { environment, logger, clock, sessionName } = toYardDeps(context);
  const STACKYARD_S3_ENCRYPTION = environment["STACKYARD_S3_ENCRYPTION"] ?? yard.s3Encryption;
  const { faults: ofAll } = readEnvironment(EndpointVariables, environment);
  const faults = [...ofAll, ...findEndpointFaults(environment)];
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", faults.join("\n"));
  const access = createEnvironmentAws({
    environment: {
      region: findYardRegion(yard, environment),
      // A profile that is named comes before keys in the environment, as in every tool of AWS.
      credentials: yard.profile === undefined ? findAccessKeys(environment) : undefined,
      endpoints: toEndpoints({ ...environment, LOCAL_MODE: undefined }),
      targets: {},
      uploads: findUploadEncryption({ STACKYARD_S3_ENCRYPTION }),
    },
    session: { name: sessionName },
    // A person waits for the answer.
    retriesDenials: false,
    clientConfig: defined({ profile: yard.profile }),
    clock,
    logger,
  });
  return yard.role === undefined ? access : withTarget(access, toTarget(yard, yard.role, environment));
}

/** Returns the yard's region, or the environment's. Undefined: the SDK finds it in the profile. */
export function findYardRegion({ region }: AwsYardOptions, environment: EnvironmentVariables): string | undefined {
  return region ?? findRegion(environment);
}

const ROLE = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/./;

function toTarget(yard: AwsYardOptions, role: string, environment: EnvironmentVariables): Target {
  const [, partition, account] = ROLE.exec(role) ?? [];
  const region = findYardRegion(yard, environment);
  if (partition === undefined || account === undefined) throw invalid(`"${role}" is no ARN of a role.`);
  if (region === undefined) throw invalid("A yard with a role must name its region.");
  const { externalId } = yard;
  return defined({ account, region, partition, role, externalId });
}

function invalid(message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", message);
}

/** Returns the access with a default target. */
function withTarget(access: AwsAccess, target: Target): AwsAccess {
  return {
    ...access,
    client: (clientClass, other) => access.client(clientClass, other ?? target),
    credentials: (other) => access.credentials(other ?? target),
  };
}

/** Whose credentials these are, and what time it is at AWS. */
export interface Caller {
  readonly account: string;
  readonly arn: string;
  /**
   * The lead of our clock over that of AWS, in milliseconds, with an error of half a second. Undefined: the response
   * has no date.
   */
  readonly aheadMs: number | undefined;
}

/** Loads our identity from STS; needs no permission (GetCallerIdentity). Throws errors of credentials and network. */
export async function loadCaller(aws: AwsAccess, clock: Clock): Promise<Caller> {
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const command = new GetCallerIdentityCommand({});
  let aheadMs: number | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.now();
      const answer = await next(args);
      aheadMs = findAheadMs(findHeader(answer.response, "date"), (sentAt + clock.now()) / 2);
      return answer;
    },
    { step: "deserialize", name: "stackyardDate" },
  );
  const policy = { what: "Cannot get the caller identity from STS." };
  const { Account: account = "", Arn: arn = "" } = await callAws(
    () => aws.client(STSClient, undefined).send(command),
    policy,
  );
  return { account, arn, aheadMs };
}

/** Returns how far `now` is ahead of a date header, which has whole seconds. Undefined if it is not a date. */
export function findAheadMs(date: string | undefined, now: number): number | undefined {
  const at = Date.parse(date ?? "");
  return Number.isNaN(at) ? undefined : Math.round(now - (at + 500));
}

function findHeader(response: unknown, name: string): string | undefined {
  const headers = read(response, "headers");
  const value = read(headers, name);
  return typeof value === "string" ? value : undefined;
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
