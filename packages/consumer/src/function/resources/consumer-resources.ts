import type { LambdaContext } from "@stackyard/aws";
import { type CustomResourceRequest, sendResponse, serveRequest } from "@stackyard/aws/custom-resource";
import { isMap, StackyardError, silentLogger } from "@stackyard/core";
import { createDiscreetLogger } from "../json-logger.ts";
import { adoptBucket } from "./adopt-bucket.ts";
import {
  type ConsumerResourcesOptions,
  type ResourceCall,
  type ResourceDeps,
  type ResourceOutcome,
  servesNone,
  toAnswer,
  toFailure,
} from "./resource-answer.ts";
import { StillRunning, toSetEnd, toSetId, triggerInitialSet } from "./trigger-initial-set.ts";

/** The custom resources of a consumer's stack. */
export interface ConsumerResources {
  /** Handles a CloudFormation request and sends the response. Throws `EVENT_INVALID` when no response is possible. */
  onResource(event: unknown, context?: ResourceContext): Promise<void>;
}

/** The Lambda invocation. */
export interface ResourceContext {
  /** Epoch milliseconds. Default: from `getRemainingTimeInMillis`; without either, no deadline. */
  readonly deadlineAt?: number;
  getRemainingTimeInMillis?(): number;
}

interface ResourceType {
  readonly serve: (deps: ResourceDeps, call: ResourceCall) => Promise<ResourceOutcome>;
  /** Returns the constant id of a resource that has one. */
  readonly toId?: (place: ResourceDeps) => string;
  /** Returns the outcome of a request that must not fail. */
  readonly toEnd?: (deps: ResourceDeps, request: CustomResourceRequest, error: unknown) => ResourceOutcome | undefined;
}

const TYPES: Readonly<Record<string, ResourceType>> = {
  "Custom::InitialSetTrigger": { serve: triggerInitialSet, toId: toSetId, toEnd: toSetEnd },
  "Custom::AdoptedBucket": { serve: adoptBucket },
};
const REQUESTS = ["Create", "Update", "Delete"];

/** Creates the handler of both resource types. Repeated requests are idempotent. */
export function createConsumerResources(options: ConsumerResourcesOptions): ConsumerResources {
  const logger = createDiscreetLogger(options.logger ?? silentLogger);
  const deps = { ...options, logger };
  return {
    onResource(event, context = {}) {
      const type = Object.hasOwn(TYPES, typeOf(event)) ? TYPES[typeOf(event)] : undefined;
      const invoked = { event, context: toLambdaContext(context, deps.clock.now()) };
      return serveRequest(deps, invoked, {
        async work(request, { deadlineAt, signal }) {
          const outcome = await serve(deps, { request, deadlineAt }, type);
          // The request has its response when the time was over.
          if (!signal.aborted) await answer(deps, request, outcome);
        },
        meetFault: (request, error) => meetFault(deps, request, { type, error }),
      });
    },
  };
}

async function serve(deps: ResourceDeps, call: ResourceCall, type: ResourceType | undefined): Promise<ResourceOutcome> {
  if (type === undefined) throw servesNone();
  if (!REQUESTS.includes(call.request.RequestType)) {
    throw new StackyardError("CONFIG_INVALID", "RequestType must be Create, Update or Delete.");
  }
  return type.serve(deps, call);
}

/** A request that could not be served. */
interface Fault {
  readonly type: ResourceType | undefined;
  readonly error: unknown;
}

async function meetFault(deps: ResourceDeps, request: CustomResourceRequest, { type, error }: Fault): Promise<void> {
  // Lambda delivers the same request again.
  if (error instanceof StillRunning) throw new StackyardError("TIMED_OUT", "The initial set is still being sent.");
  if (error instanceof AnswerFault) throw error.cause;
  deps.logger.error("A CloudFormation request failed.", { requestId: request.RequestId, error });
  await answer(deps, request, type?.toEnd?.(deps, request, error) ?? toFailure(request, error, type?.toId?.(deps)));
}

/** The response could not be sent: another one must not follow. */
class AnswerFault extends Error {}

async function answer(deps: ResourceDeps, request: CustomResourceRequest, outcome: ResourceOutcome): Promise<void> {
  const made = toAnswer(request, outcome);
  deps.logger.info("Answered a CloudFormation request.", { requestId: request.RequestId, status: made.Status });
  await sendResponse(deps, request.ResponseURL, made).catch((cause: unknown) => {
    throw new AnswerFault("The response was not accepted.", { cause });
  });
}

function toLambdaContext(context: ResourceContext, now: number): LambdaContext {
  const { deadlineAt } = context;
  return deadlineAt === undefined ? context : { getRemainingTimeInMillis: () => deadlineAt - now };
}

function typeOf(event: unknown): string {
  const type = isMap(event) ? event["ResourceType"] : undefined;
  return typeof type === "string" ? type : "";
}
