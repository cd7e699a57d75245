import type { Clock } from "@stackyard/core";
import { type Behaviour, createStacksOfBehaviour } from "./behaviours.ts";
import { createCloudFormation, type SimCloudFormation } from "./cloudformation/sim-cloudformation.ts";
import { createEc2, type SimEc2 } from "./ec2/sim-ec2.ts";
import { allows, createIdentities, type Identities, type Identity } from "./identities.ts";
import { createLambda, type SimLambda } from "./lambda/sim-lambda.ts";
import { fetchPresigned, type PresignedRequest } from "./s3/fetch-presigned.ts";
import { createS3, type SimS3 } from "./s3/sim-s3.ts";
import { createSecretsManager, type SimSecretsManager } from "./secrets-manager/sim-secrets-manager.ts";
import type { SimCall, SimRequest, SimService } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";
import { createSts } from "./sts/sim-sts.ts";
import { createThrottle, type Throttle, type ThrottleInput } from "./throttle.ts";

/** A small AWS: accounts, credentials and services with state, under one clock. */
export interface AwsSim {
  readonly iam: Identities;
  readonly s3: SimS3;
  readonly secrets: SimSecretsManager;
  readonly lambda: SimLambda;
  readonly cloudFormation: SimCloudFormation;
  readonly ec2: SimEc2;
  /** What was asked, in order, also what was refused. */
  readonly calls: readonly LoggedCall[];
  /** How the next call of an operation, such as `S3.PutObject`, is served instead. Several wait their turn. */
  once(operation: string, behaviour: Behaviour): void;
  /** Holds an account and region to so many calls a second of a service, or of one operation of it. */
  limit(operation: string, limit: ThrottleInput): void;
  /** Answers requests to presigned URLs, in the place of the program's `fetch`. */
  fetch(url: string, request?: PresignedRequest): Promise<Response>;
  /** Serves one request. */
  serve(request: SimRequest): Promise<unknown>;
}

/** One call as it is kept for tests. */
export interface LoggedCall {
  readonly operation: string;
  readonly region: string;
  readonly arn: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A new one. Further services are added here. */
export function createAwsSim({ clock }: { readonly clock: Clock }): AwsSim {
  const iam = createIdentities();
  const s3 = createS3();
  const secrets = createSecretsManager();
  const lambda = createLambda();
  const cloudFormation = createCloudFormation({ findObject: (...at) => s3.findObject(...at)?.body.toString() });
  const ec2 = createEc2({ clock });
  const services = new Map<string, SimService>([
    ["STS", createSts(iam)],
    ["S3", s3.service],
    ["SecretsManager", secrets.service],
    ["Lambda", lambda.service],
    ["CloudFormation", cloudFormation.service],
    ["EC2", ec2.service],
  ]);
  const throttles = new Map<string, Throttle>();
  const behaviours = createStacksOfBehaviour();
  const calls: LoggedCall[] = [];

  function authenticate(request: SimRequest, { faults }: SimService, now: number): Identity {
    const { accessKeyId, sessionToken } = request;
    return iam.authenticate({ accessKeyId, sessionToken, now, unknownKey: faults.unknownKey, expired: faults.expired });
  }

  function run(request: SimRequest, service: SimService): unknown {
    const { operation, region, input } = request;
    const now = clock.now();
    const identity = authenticate(request, service, now);
    calls.push({ operation: `${request.service}.${operation}`, region, arn: identity.arn, input });
    const action = service.toAction(operation);
    // GetCallerIdentity needs no permission, and AssumeRole is judged by the role's trust policy (STS API reference).
    if (request.service !== "STS" && !allows(identity.allow, action)) throw service.faults.denied(identity.arn, action);
    for (const name of [request.service, `${request.service}.${operation}`]) {
      const admitted = throttles.get(name)?.admit(`${identity.account}/${region}`, now) ?? true;
      if (!admitted) throw service.faults.throttled();
    }
    const serve = service.operations[operation];
    if (serve === undefined)
      throw new SimFault("NotImplemented", 501, `The simulation has no ${request.service}.${operation}.`);
    const call: SimCall = { service: request.service, operation, input, region, identity, now };
    return serve(call);
  }

  const sim: AwsSim = {
    ...{ iam, s3, secrets, lambda, cloudFormation, ec2, calls },
    fetch: (url, request) => fetchPresigned(sim, clock.now, url, request),
    once: (operation, behaviour) => behaviours.add(operation, behaviour),
    limit: (operation, limit) => void throttles.set(operation, createThrottle(limit)),
    async serve(request) {
      const service = services.get(request.service);
      if (service === undefined) throw new SimFault("NotImplemented", 501, `The simulation has no ${request.service}.`);
      const proceed = async (): Promise<unknown> => run(request, service);
      return behaviours.serve(`${request.service}.${request.operation}`, proceed);
    },
  };
  return sim;
}
