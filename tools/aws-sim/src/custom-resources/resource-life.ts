import { createHash } from "node:crypto";
import type { Clock } from "@stackyard/core";
import type { AnswerEndpoint, AnswerUpload } from "./answer-endpoint.ts";
import type { ResourceAnswer } from "./judge-answer.ts";

/** A custom resource of one stack, as CloudFormation treats it. */
export interface ResourceLife {
  /** Makes it; when that fails, it is deleted again. */
  create(properties: Properties): Promise<LifeStep>;
  /** Changes it. When that fails, it is changed back; a new physical id is a replacement, and the old one is deleted. */
  update(properties: Properties): Promise<LifeStep>;
  delete(): Promise<LifeStep>;
  /** The same request once more, as an asynchronous invocation may come twice. */
  repeat(requestId: string): Promise<void>;
  /** All requests, in order. */
  readonly requests: readonly ResourceRequest[];
  readonly physicalId: string;
}

/** As a template's author writes them. */
export type Properties = Readonly<Record<string, unknown>>;

/** A request object (user guide, "Custom resource reference"). */
export interface ResourceRequest {
  readonly RequestType: "Create" | "Update" | "Delete";
  readonly ServiceToken: string;
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Properties;
  readonly OldResourceProperties?: Properties;
}

/** How an operation on the resource went. */
export interface LifeStep {
  /** `CREATE_COMPLETE`, `UPDATE_FAILED`, … of the resource; what followed stands in `followedBy`. */
  readonly status: string;
  readonly reason: string | undefined;
  readonly answer: ResourceAnswer | undefined;
  readonly requestId: string;
  /** What CloudFormation does of its own: the rollback, or the deletion of what was replaced. */
  readonly followedBy: readonly LifeStep[];
}

/** Who serves it, and where it is. */
export interface ResourceLifeInput {
  readonly clock: Clock;
  readonly endpoint: AnswerEndpoint;
  /** The function behind `ServiceToken`. What it throws is retried as Lambda retries asynchronous events. */
  readonly invoke: (event: ResourceRequest) => Promise<unknown>;
  readonly region?: string;
  readonly account?: string;
  readonly stackName?: string;
  readonly logicalId?: string;
  /** Default: `Custom::ECSTask`. */
  readonly resourceType?: string;
}

/** "Custom resource reference": `ServiceTimeout` in seconds; the default is an hour. */
const TIMEOUT_SECONDS = 3_600;
/** Lambda guide, "Error handling for asynchronous invocation": two more tries, after a minute and after two. */
const RETRY_AFTER_MS = [60_000, 120_000];
const TIMED_OUT =
  "CloudFormation did not receive a response from your custom resource. Please check your logs for requestId";

/** Plays CloudFormation for one resource. */
export function createResourceLife(input: ResourceLifeInput): ResourceLife {
  const requests: ResourceRequest[] = [];
  const { stackName = "shop", logicalId = "Migration" } = input;
  let current: Known = { id: "", properties: {} };
  const send: Send = (facts) => sendRequest(input, requests, facts);

  const life: ResourceLife = {
    requests,
    get physicalId() {
      return current.id;
    },
    async create(properties) {
      const ResourceProperties = toText(properties);
      const step = await send({ RequestType: "Create", ResourceProperties });
      // Without an answer CloudFormation makes an id up.
      const id = step.answer?.PhysicalResourceId ?? `${stackName}-${logicalId}-1A2B3C4D5E6F`;
      current = { id, properties: ResourceProperties };
      return step.status === "CREATE_COMPLETE" ? step : { ...step, followedBy: [await life.delete()] };
    },
    async update(properties) {
      const { step, known } = await updateResource(send, current, toText(properties));
      current = known;
      return step;
    },
    delete: () => deleteResource(send, current),
    async repeat(requestId) {
      const request = requests.find(({ RequestId }) => RequestId === requestId);
      if (request !== undefined) await input.invoke(request);
    },
  };
  return life;
}

/** What CloudFormation knows of a resource. */
interface Known {
  readonly id: string;
  readonly properties: Properties;
}

type Send = (facts: Pick<ResourceRequest, "RequestType"> & Partial<ResourceRequest>) => Promise<LifeStep>;

/** With what follows: the old one is deleted when there is a new one; after a failure the way back. */
async function updateResource(
  send: Send,
  before: Known,
  properties: Properties,
): Promise<{ readonly step: LifeStep; readonly known: Known }> {
  const change = (from: Known, to: Properties) =>
    send({
      RequestType: "Update",
      ResourceProperties: to,
      OldResourceProperties: from.properties,
      PhysicalResourceId: from.id,
    });
  const step = await change(before, properties);
  const after = { id: step.answer?.PhysicalResourceId ?? before.id, properties };
  if (step.status === "UPDATE_COMPLETE") {
    const followedBy = after.id === before.id ? [] : [await deleteResource(send, before)];
    return { step: { ...step, followedBy }, known: after };
  }
  const back = await change(after, before.properties);
  const restored = { id: back.answer?.PhysicalResourceId ?? after.id, properties: before.properties };
  const removed = restored.id === after.id ? [] : [await deleteResource(send, after)];
  return { step: { ...step, followedBy: [back, ...removed] }, known: restored };
}

function deleteResource(send: Send, { id, properties }: Known): Promise<LifeStep> {
  return send({ RequestType: "Delete", ResourceProperties: properties, PhysicalResourceId: id });
}

async function sendRequest(
  input: ResourceLifeInput,
  requests: ResourceRequest[],
  facts: Parameters<Send>[0],
): Promise<LifeStep> {
  const { region = "eu-west-1", account = "111122223333", stackName = "shop", logicalId = "Migration" } = input;
  const ids = {
    StackId: `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/51af3dc0-da77-11e4-872e-1234567db123`,
    RequestId: toRequestId(`${stackName}/${logicalId}/${requests.length + 1}`),
    LogicalResourceId: logicalId,
  };
  const request: ResourceRequest = {
    ServiceToken: `arn:aws:lambda:${region}:${account}:function:ecs-task`,
    ResourceType: input.resourceType ?? "Custom::ECSTask",
    ...ids,
    ResponseURL: input.endpoint.open(ids, region),
    ResourceProperties: {},
    ...facts,
  };
  requests.push(request);
  void invokeAsync(input, request);
  return toStep(request, await waitForEnd(input, request));
}

/** In the form of a UUID, another one for each request of each resource, and the same ones in each run of a test. */
function toRequestId(of: string): string {
  return createHash("md5")
    .update(of)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

/** Invokes like an event: nobody waits for what the function gives. */
async function invokeAsync({ invoke, clock }: ResourceLifeInput, request: ResourceRequest): Promise<void> {
  for (const pauseMs of [...RETRY_AFTER_MS, undefined]) {
    try {
      return void (await invoke(structuredClone(request)));
    } catch {
      // Lambda gives the event up in the end; CloudFormation waits on.
      if (pauseMs !== undefined) await clock.sleep(pauseMs);
    }
  }
}

/** The answer, or undefined when the time is over. */
async function waitForEnd(
  { clock, endpoint }: ResourceLifeInput,
  { RequestId, ResourceProperties }: ResourceRequest,
): Promise<AnswerUpload | undefined> {
  const over = new AbortController();
  const seconds = Number(ResourceProperties["ServiceTimeout"] ?? TIMEOUT_SECONDS);
  const late = clock.sleep(seconds * 1_000, over.signal).then(() => undefined);
  const first = await Promise.race([endpoint.waitForAnswer(RequestId), late]);
  over.abort();
  return first;
}

function toStep({ RequestType, RequestId }: ResourceRequest, upload: AnswerUpload | undefined): LifeStep {
  const { answer, problem } = upload ?? { answer: undefined, problem: `${TIMED_OUT} [${RequestId}]` };
  const isDone = answer?.Status === "SUCCESS";
  const status = `${RequestType.toUpperCase()}_${isDone ? "COMPLETE" : "FAILED"}`;
  return { status, reason: problem ?? answer?.Reason, answer, requestId: RequestId, followedBy: [] };
}

/** CloudFormation hands every scalar over as a text. */
function toText(properties: Properties): Properties {
  const text: unknown = JSON.parse(JSON.stringify(properties), (_key, value: unknown) => {
    return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  });
  return { ...Object(text) };
}
