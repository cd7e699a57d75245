import { isResponseUrl, parseRequest, sendResponse } from "@stackyard/aws/custom-resource";
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
import { toSetId, triggerInitialSet } from "./trigger-initial-set.ts";

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
}

const TYPES: Readonly<Record<string, ResourceType>> = {
  "Custom::InitialSetTrigger": { serve: triggerInitialSet, toId: toSetId },
  "Custom::AdoptedBucket": { serve: adoptBucket },
};
const REQUESTS = ["Create", "Update", "Delete"];

/** Creates the handler of both resource types. Repeated requests are idempotent. */
export function createConsumerResources(options: ConsumerResourcesOptions): ConsumerResources {
  const logger = createDiscreetLogger(options.logger ?? silentLogger);
  const deps = { ...options, logger };
  return {
    async onResource(event, context = {}) {
      const request = parseRequest(event);
      if (request === undefined || !isAnswerUrl(request.ResponseURL, options.emulator)) {
        const why = request === undefined ? "an id or ResponseURL is missing" : "ResponseURL is not an S3 address";
        throw new StackyardError("EVENT_INVALID", `The request cannot be answered: ${why}.`);
      }
      const left = context.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
      const deadlineAt = context.deadlineAt ?? deps.clock.now() + left;
      const answer = toAnswer(request, await serve(deps, { request, deadlineAt }, typeOf(event)));
      logger.info("Answered a CloudFormation request.", { requestId: request.RequestId, status: answer.Status });
      await sendResponse(deps, request.ResponseURL, answer);
    },
  };
}

async function serve(deps: ResourceDeps, call: ResourceCall, type: string): Promise<ResourceOutcome> {
  const found = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  try {
    if (found === undefined) throw servesNone();
    if (!REQUESTS.includes(call.request.RequestType)) {
      throw new StackyardError("CONFIG_INVALID", "RequestType must be Create, Update or Delete.");
    }
    return await found.serve(deps, call);
  } catch (error) {
    // The execution is still running: Lambda delivers the same request again.
    if (error instanceof StackyardError && error.code === "TIMED_OUT") throw error;
    deps.logger.error("A CloudFormation request failed.", { requestId: call.request.RequestId, error });
    return toFailure(call.request, error, found?.toId?.(deps));
  }
}

function typeOf(event: unknown): string {
  const type = isMap(event) ? event["ResourceType"] : undefined;
  return typeof type === "string" ? type : "";
}

/** Returns true for a response URL of S3, where CloudFormation waits, or of the configured emulator. */
export function isAnswerUrl(text: string, emulator: string | undefined): boolean {
  if (isResponseUrl(text)) return true;
  if (emulator === undefined || !URL.canParse(text)) return false;
  const { protocol, hostname, username } = new URL(text);
  return protocol === "http:" && username === "" && hostname === new URL(emulator).hostname;
}
