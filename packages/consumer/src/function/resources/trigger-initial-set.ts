import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { callAws, findAwsFault, toAnswer, toAwsError } from "@stackyard/aws";
import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import { isMap, isStackyardError } from "@stackyard/core";
import { toRegisteredEvent, toUnregisteredEvent } from "../../messages.ts";
import { createEventSender } from "../event-sender.ts";
import { endOwnSubscription, keepSubscribed } from "./keep-subscribed.ts";
import {
  type InitialSetOptions,
  type ResourceCall,
  type ResourceDeps,
  type ResourceOutcome,
  refusal,
  servesNone,
} from "./resource-answer.ts";

interface Started {
  readonly arn: string;
  readonly at: number;
}

const POLL_MS = 10_000;
/** Reserved for the response. */
const ANSWER_MS = 10_000;
/** CloudFormation waits for an hour ("Custom resource reference", `ServiceTimeout`), and a retry needs time too. */
const LONGEST_WAIT_MS = 40 * 60_000;
const TRUST_ADVICE = "The distributor must trust this account, and the external id must be the distributor's.";

/**
 * Subscribes the queue, registers the consumer, and starts the initial set at the distributor: on Create, and on Update when a property has changed. The execution is named after
 * the request, so a repeated request starts nothing. The physical id is constant: that of the predecessor, after an
 * update of its resource. Delete never fails.
 */
export async function triggerInitialSet(deps: ResourceDeps, call: ResourceCall): Promise<ResourceOutcome> {
  const { request } = call;
  if (request.RequestType === "Delete") return unregister(deps, request);
  if (deps.initialSet === undefined) throw servesNone();
  const options = deps.initialSet();
  if (options.sns !== undefined) await keepSubscribed(deps, options.sns, request);
  await register(deps, options);
  const physicalId = request.PhysicalResourceId ?? toSetId(deps);
  if (request.RequestType === "Update" && !hasChanged(request)) return toOutcome(physicalId, "Nothing has changed.");
  const started = await start(deps, options, request);
  if (isToBeAwaited(request)) await waitForEnd(deps, options, call, started);
  return toOutcome(physicalId, "Started the initial set.", started);
}

/** Returns the physical id of the resource. */
export function toSetId({ account, region }: Pick<ResourceDeps, "account" | "region">): string {
  return `initial-set-${account}-${region}`;
}

function toOutcome(physicalId: string, reason: string, started?: Started): ResourceOutcome {
  const StartedAt = started === undefined ? "" : new Date(started.at).toISOString();
  const data = { StepFunctionExecution: started?.arn ?? "", StartedAt };
  return { status: "SUCCESS", reason, physicalId, data };
}

/** Ignores the function's ARN, which can change without the consumer, and how it subscribes: it has all the same. */
function hasChanged({ ResourceProperties, OldResourceProperties }: CustomResourceRequest): boolean {
  return !isDeepStrictEqual(withoutToken(ResourceProperties), withoutToken(OldResourceProperties));
}

function withoutToken(properties: unknown): unknown {
  if (!isMap(properties)) return {};
  const { ServiceToken, ServiceTimeout, TopicFilter, ...rest } = properties;
  return rest;
}

function isToBeAwaited({ ResourceProperties }: CustomResourceRequest): boolean {
  return isMap(ResourceProperties) && String(ResourceProperties["WaitForInitialSet"]) === "true";
}

/** Longer than for receipts, which are sent again: no one repeats a registration. */
const REGISTER_PAUSES_MS = [200, 1_000, 3_000, 5_000, 8_000, 13_000];

/** Registers the consumer. Without its registration the distributor announces nothing to it, so a refusal is a failure. */
async function register(deps: ResourceDeps, { bucket, capabilities, receipts }: InitialSetOptions): Promise<void> {
  if (receipts === undefined) return;
  const sender = createEventSender({ ...deps, ...receipts, pausesMs: REGISTER_PAUSES_MS });
  const sent = await sender.send(toRegisteredEvent(deps, bucket, capabilities));
  if (sent.kind === "taken") return;
  const what = `The bus ${receipts.bus} did not accept the registration. ${sent.reason.replace(/\.?$/, ".")}`;
  const denied = " The role may lack events:PutEvents, or the policy of the bus does not allow this account.";
  throw refusal("REGISTRATION_FAILED", `${what}${sent.isDenied ? denied : ""}`);
}

/** Unregisters if possible: a stack must be deletable with wrong settings or without a distributor. */
async function unregister(deps: ResourceDeps, request: CustomResourceRequest): Promise<ResourceOutcome> {
  const physicalId = request.PhysicalResourceId ?? toSetId(deps);
  const { receipts, sns } = deps.initialSet?.() ?? {};
  if (sns !== undefined) {
    await endOwnSubscription(sns, request).catch((error: unknown) => {
      deps.logger.warn("The subscription of the queue could not be ended.", { error });
    });
  }
  if (receipts === undefined) return toOutcome(physicalId, "No distributor is notified.");
  const sent = await createEventSender({ ...deps, ...receipts }).send(toUnregisteredEvent(deps));
  if (sent.kind === "taken") return toOutcome(physicalId, "Sent the unregistration to the distributor.");
  return toOutcome(physicalId, `${NOT_UNREGISTERED} ${sent.reason}`);
}

const NOT_UNREGISTERED = "The consumer could not be unregistered.";

/** Returns the outcome of a deletion that failed, or had no time: the stack must be deletable. */
export function toSetEnd(
  deps: ResourceDeps,
  request: CustomResourceRequest,
  error: unknown,
): ResourceOutcome | undefined {
  if (request.RequestType !== "Delete") return undefined;
  const why = error instanceof Error ? error.message : "unknown";
  return toOutcome(request.PhysicalResourceId ?? toSetId(deps), `${NOT_UNREGISTERED} ${why}`);
}

async function start(
  { account, region, clock }: ResourceDeps,
  { machineArn, states }: InitialSetOptions,
  { RequestId }: CustomResourceRequest,
): Promise<Started> {
  // At most 80 characters ("StartExecution", `name`): 12 of the account, 25 of the longest region, 32 of the request.
  const name = `${account}-${region}-${createHash("sha256").update(RequestId).digest("hex").slice(0, 32)}`;
  const input = JSON.stringify({ AccountId: account, Region: region });
  const command = new StartExecutionCommand({ stateMachineArn: machineArn, name, input });
  const started = await callAws(() => states.send(command), {
    instead: { ExecutionAlreadyExists: undefined },
    toError: (error) => toRefusal(error, "The initial set could not be started."),
  });
  return { arn: started?.executionArn ?? toArn(machineArn, name), at: started?.startDate?.getTime() ?? clock.now() };
}

/** Derives the ARN of an execution from the ARN of its state machine. */
function toArn(machineArn: string, name: string): string {
  return `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;
}

/**
 * Waits for the end of the execution. Throws `StillRunning` when the invocation ends first; a redelivery continues. A
 * failed look at the execution is repeated, and is the failure when the time ends with it.
 */
async function waitForEnd(
  { clock }: ResourceDeps,
  { states }: InitialSetOptions,
  { deadlineAt }: ResourceCall,
  { arn: executionArn }: Started,
): Promise<void> {
  for (;;) {
    const found = await lookAt(states, executionArn);
    const now = clock.now();
    if (found.kind === "succeeded") return;
    if (found.kind === "running" && now - (found.startedAt ?? now) >= LONGEST_WAIT_MS) {
      const why = `The execution ${executionArn} is still running. Set WaitForInitialSet to false.`;
      throw refusal("INITIAL_SET_FAILED", why);
    }
    if (now + POLL_MS > deadlineAt - ANSWER_MS) throw found.kind === "fault" ? found.error : new StillRunning();
    await clock.sleep(POLL_MS);
  }
}

/** The initial set is still being sent: Lambda delivers the same request again. */
export class StillRunning extends Error {}

/** The state of an execution. */
type Look =
  | { readonly kind: "succeeded" }
  | { readonly kind: "running"; readonly startedAt: number | undefined }
  | { readonly kind: "fault"; readonly error: Error };

async function lookAt(states: SFNClient, executionArn: string): Promise<Look> {
  try {
    const { status, startDate, error } = await states.send(new DescribeExecutionCommand({ executionArn }));
    if (status === "SUCCEEDED") return { kind: "succeeded" };
    if (status === "RUNNING") return { kind: "running", startedAt: startDate?.getTime() };
    throw toFailure(executionArn, { status, error });
  } catch (error) {
    if (error instanceof Error && "refusal" in error) throw error;
    const refused = toRefusal(error, "The state of the initial set could not be read.");
    const answer = toAnswer(error);
    // "This operation is eventually consistent" ("DescribeExecution"): it has been started.
    if (answer !== "passing" && answer !== "gone") throw refused;
    return { kind: "fault", error: refused };
  }
}

/** Converts a failed execution into an error. The state machine reports an untrusted account by its own code. */
function toFailure(executionArn: string, { status, error }: Pick<DescribeExecutionOutput, "status" | "error">): Error {
  const what = `The execution ${executionArn} is ${status}${error === undefined ? "" : ` (${error})`}.`;
  if (error !== "ACCOUNT_NOT_TRUSTED") return refusal("INITIAL_SET_FAILED", what);
  return refusal("ACCOUNT_NOT_TRUSTED", `${what} ${TRUST_ADVICE}`);
}

function toRefusal(error: unknown, what: string): Error {
  const { message } = toAwsError(error, what);
  if (isStackyardError(error, "UNREACHABLE")) return refusal("INITIAL_SET_FAILED", `${what} ${message}`);
  // Assuming the role failed, before any call to the state machine.
  if (isStackyardError(error, "FORBIDDEN")) {
    return refusal("ACCOUNT_NOT_TRUSTED", `${message} ${TRUST_ADVICE}`);
  }
  const advice = findAwsFault(error).code === "FORBIDDEN" ? " Look at the role." : "";
  return refusal("INITIAL_SET_FAILED", `${message}${advice}`);
}
