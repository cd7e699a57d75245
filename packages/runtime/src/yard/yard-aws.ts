import type { AwsAccess } from "@stackyard/aws";
import { StackyardError, type Target } from "@stackyard/core";
import type { EnvironmentVariables } from "../app.ts";
import { findEndpointFaults, toEndpoints } from "../environment/endpoints.ts";
import type { Environment } from "../environment/parse-environment.ts";
import { createEnvironmentAws } from "../environment-aws.ts";
import type { AwsYardOptions } from "./aws-yard-options.ts";
import { toYardDeps, type YardContext } from "./yard-context.ts";

/**
 * AWS as whoever looks at a yard reaches it: in the yard's region, with the yard's profile or the environment's credentials,
 * and in its role where it names one. Calls nothing yet. Throws `CONFIG_INVALID`.
 */
export function createYardAws(yard: AwsYardOptions, context: YardContext): AwsAccess {
  const { environment, logger, clock, sessionName } = toYardDeps(context);
  const { AWS_ENDPOINT_URL: endpoint = "" } = environment;
  const isNone = endpoint !== "" && !URL.canParse(endpoint);
  const faults = [
    ...(isNone ? ["AWS_ENDPOINT_URL must be an address such as http://127.0.0.1:4566."] : []),
    ...findEndpointFaults(environment),
  ];
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", faults.join("\n"));
  const access = createEnvironmentAws({
    environment: {
      region: findYardRegion(yard, environment),
      // A profile that is named comes before keys in the environment, as in every tool of AWS.
      credentials: yard.profile === undefined ? findCredentials(environment) : undefined,
      endpoints: toEndpoints({ ...environment, AWS_ENDPOINT_URL: endpoint || undefined, LOCAL_MODE: undefined }),
      targets: {},
    },
    session: { name: sessionName },
    clientConfig: yard.profile === undefined ? {} : { profile: yard.profile },
    ...{ clock, logger },
  });
  return yard.role === undefined ? access : withTarget(access, toTarget(yard, yard.role, environment));
}

/** The yard's region, or the environment's. Undefined: as the SDK finds it, in the profile. */
export function findYardRegion({ region }: AwsYardOptions, environment: EnvironmentVariables): string | undefined {
  return region ?? (environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || undefined);
}

function findCredentials(environment: EnvironmentVariables): Environment["credentials"] {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = environment;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}) };
}

const ROLE = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/./;

function toTarget(yard: AwsYardOptions, role: string, environment: EnvironmentVariables): Target {
  const [, partition, account] = ROLE.exec(role) ?? [];
  const region = findYardRegion(yard, environment);
  if (partition === undefined || account === undefined) throw invalid(`"${role}" is no ARN of a role.`);
  if (region === undefined) throw invalid("A yard with a role must name its region.");
  const { externalId } = yard;
  return { account, region, partition, role, ...(externalId === undefined ? {} : { externalId }) };
}

function invalid(message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", message);
}

/** Whatever names no target of its own works in that one. */
function withTarget(access: AwsAccess, target: Target): AwsAccess {
  return {
    ...access,
    client: (clientClass, other) => access.client(clientClass, other ?? target),
    credentials: (other) => access.credentials(other ?? target),
  };
}
