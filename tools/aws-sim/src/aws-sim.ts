import type { Clock } from "@stackyard/core";
import { type Behaviour, createStacksOfBehaviour } from "./behaviours.ts";
import { allows, type Identity } from "./identities.ts";
import { fetchPresigned, type PresignedRequest } from "./s3/fetch-presigned.ts";
import type { SimCall, SimRequest, SimService } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";
import { createServices, type SimServices } from "./sim-services.ts";
import { createThrottle, type Throttle, type ThrottleInput } from "./throttle.ts";

/** A small AWS: accounts, credentials and services with state, under one clock. */
export interface AwsSim extends SimServices {
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
  /** Of the caller's session. */
  readonly tags: Readonly<Record<string, string>>;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A new one. */
export function createAwsSim({ clock }: { readonly clock: Clock }): AwsSim {
  const { services, byClient } = createServices(clock);
  const throttles = new Map<string, Throttle>();
  const behaviours = createStacksOfBehaviour();
  const calls: LoggedCall[] = [];

  function authenticate(request: SimRequest, { faults }: SimService, now: number): Identity {
    const { accessKeyId, sessionToken } = request;
    return services.iam.authenticate({
      accessKeyId,
      sessionToken,
      now,
      unknownKey: faults.unknownKey,
      expired: faults.expired,
    });
  }

  function run(request: SimRequest, service: SimService): unknown {
    const { operation, region, input } = request;
    const now = clock.now();
    const identity = authenticate(request, service, now);
    const { arn, tags } = identity;
    calls.push({ operation: `${request.service}.${operation}`, region, arn, tags, input });
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
    ...services,
    calls,
    fetch: (url, request) => fetchPresigned(sim, clock.now, url, request),
    once: (operation, behaviour) => behaviours.add(operation, behaviour),
    limit: (operation, limit) => void throttles.set(operation, createThrottle(limit)),
    async serve(request) {
      const service = byClient.get(request.service);
      if (service === undefined) throw new SimFault("NotImplemented", 501, `The simulation has no ${request.service}.`);
      const proceed = async (): Promise<unknown> => run(request, service);
      return behaviours.serve(`${request.service}.${request.operation}`, proceed);
    },
  };
  return sim;
}
