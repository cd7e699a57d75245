import { SimFault } from "./sim-fault.ts";
import type { SimPlugin } from "./sim-plugin.ts";

/** How one call is served otherwise than an emulator serves it. */
export interface QueueEdge {
  /** Returns the error of a batch entry by its id; undefined if it is accepted. The other entries are not affected. */
  readonly refusesEntry?: (id: string) => RefusedEntry | undefined;
  /** Thrown before anything has seen the call. */
  readonly refuses?: Error;
  /** Thrown after the call was served: the caller does not learn that it was. */
  readonly loses?: Error;
}

/** Why an entry is not taken. */
interface RefusedEntry {
  readonly Code: string;
  readonly Message: string;
  /** True: it would be refused again. */
  readonly SenderFault: boolean;
}

/** What SQS and SNS do now and then, over an emulator that never does it. */
export interface QueueEdges {
  /** For each client of the emulator. */
  readonly plugin: SimPlugin;
  /** Sets how the next call of an operation, such as `SendMessageBatch`, is served. Several wait their turn. */
  once(operation: string, edge: QueueEdge): void;
}

/** Creates an empty state. */
export function createQueueEdges(): QueueEdges {
  const waiting = new Map<string, QueueEdge[]>();
  const middleware: Middleware = (next, { commandName }) => {
    return async (args) => {
      const edge = waiting.get(String(commandName).replace(/Command$/, ""))?.shift();
      return edge === undefined ? next(args) : serve(edge, next, args);
    };
  };
  const options = { name: "queueEdges", step: "initialize", override: true };
  return {
    // Above the SDK's own tries: what is thrown is what the caller sees when they are over.
    plugin: { applyToStack: (stack) => stack.add(middleware as never, options as never) },
    once: (operation, edge) => void waiting.set(operation, [...(waiting.get(operation) ?? []), edge]),
  };
}

/**
 * Follows the SQS API reference, ReceiveMessage, error OverLimit: "ReceiveMessage returns this error if the maximum
 * number of in flight messages is reached", which is 120,000 for a standard queue (SQS message quotas).
 */
export function overLimit(): Error {
  return new SimFault("OverLimit", 400, "Too many messages in flight");
}

/** Follows the SQS API reference, RequestThrottled: "The request was denied due to request throttling." */
export function requestThrottled(): Error {
  return new SimFault("RequestThrottled", 400, "Rate exceeded");
}

/**
 * SQS API reference, SendMessageBatch: "Because the batch request can result in a combination of successful and unsuccessful
 * actions, you should check for batch errors even when the call returns an HTTP status code of 200"; SNS's PublishBatch alike.
 */
export const NOT_TAKEN: RefusedEntry = { Code: "InternalError", Message: "Try again.", SenderFault: false };

/** SQS API reference, ChangeMessageVisibility and DeleteMessage, ReceiptHandleIsInvalid; of FIFO queues also when it has expired. */
export const INVALID_RECEIPT: RefusedEntry = {
  Code: "ReceiptHandleIsInvalid",
  Message: "The input receipt handle is invalid.",
  SenderFault: true,
};

type Input = Readonly<Record<string, unknown>>;
type Handle = (args: { readonly input: Input }) => Promise<{ readonly output: object }>;
type Middleware = (next: Handle, context: Readonly<Record<string, unknown>>) => Handle;

async function serve(edge: QueueEdge, next: Handle, args: { readonly input: Input }) {
  if (edge.refuses !== undefined) throw edge.refuses;
  const answer = await serveEntries(edge, next, args);
  if (edge.loses !== undefined) throw edge.loses;
  return answer;
}

/**
 * Serves the entries of a batch, which SNS names differently. A request without entries is invalid, so it is not made.
 */
async function serveEntries({ refusesEntry }: QueueEdge, next: Handle, args: { readonly input: Input }) {
  const name = "Entries" in args.input ? "Entries" : "PublishBatchRequestEntries";
  const entries = args.input[name];
  if (refusesEntry === undefined || !Array.isArray(entries)) return next(args);
  const Failed = entries.flatMap(({ Id }) => {
    const why = refusesEntry(String(Id));
    return why === undefined ? [] : [{ Id, ...why }];
  });
  const refused = new Set(Failed.map(({ Id }) => Id));
  const taken = entries.filter(({ Id }) => !refused.has(Id));
  const nothing = { output: { $metadata: { httpStatusCode: 200 }, Successful: [] } };
  const answer = taken.length === 0 ? nothing : await next({ ...args, input: { ...args.input, [name]: taken } });
  return { ...answer, output: { ...answer.output, Failed } };
}
