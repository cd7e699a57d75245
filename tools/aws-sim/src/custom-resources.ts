import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { type Clock, isMap, parseJson } from "@stackyard/core";
import { type Listener, listen } from "./http/listen.ts";

/** A custom resource of one stack, as CloudFormation treats it. */
export interface ResourceLife {
  /** Makes it; when that fails, it is deleted again. */
  create(properties: Properties): Promise<LifeStep>;
  /** Changes it. When that fails, it is changed back; a new physical id is a replacement, and the old one is deleted. */
  update(properties: Properties): Promise<LifeStep>;
  delete(): Promise<LifeStep>;
  /**
   * Ends the wait for the request that is open, as the cancel of a stack's update does: CloudFormation sends the old properties
   * at once, while the work goes on. Does nothing when none is open.
   */
  cancel(): void;
  /** Sends the same request again, as an asynchronous invocation may arrive twice. */
  repeat(requestId: string): Promise<void>;
  /** All requests, in order. */
  readonly requests: readonly ResourceRequest[];
  readonly physicalId: string;
}

/** As a template's author writes them. */
type Properties = Readonly<Record<string, unknown>>;

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
  /** `CREATE_COMPLETE`, `UPDATE_FAILED`, … of the resource; `followedBy` contains what followed. */
  readonly status: string;
  readonly reason: string | undefined;
  readonly answer: ResourceAnswer | undefined;
  readonly requestId: string;
  /** What CloudFormation does of its own: the rollback, or the deletion of what was replaced. */
  readonly followedBy: readonly LifeStep[];
}

/** Who serves it, and where it is. */
interface ResourceLifeInput {
  readonly clock: Clock;
  readonly endpoint: AnswerEndpoint;
  /** Calls the function behind `ServiceToken`. Its errors are retried as Lambda retries asynchronous events. */
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
  let cancelling = new AbortController();
  const send: Send = (facts) => {
    cancelling = new AbortController();
    return sendRequest({ ...input, cancelled: cancelling.signal }, requests, facts);
  };

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
    cancel: () => cancelling.abort(),
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

type RequestFacts = Pick<ResourceRequest, "RequestType"> & Partial<ResourceRequest>;
type Send = (facts: RequestFacts) => Promise<LifeStep>;

/**
 * Runs a request with its consequences: the old one is deleted when there is a new one; after a failure the way back.
 */
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
  input: ResourceLifeInput & { readonly cancelled: AbortSignal },
  requests: ResourceRequest[],
  facts: RequestFacts,
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

/**
 * Returns an id in the form of a UUID, another one for each request of each resource, and the same ones in each run of
 * a test.
 */
function toRequestId(of: string): string {
  return createHash("md5")
    .update(of)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

/** Invokes asynchronously: the function's result is not used. */
async function invokeAsync({ invoke, clock }: ResourceLifeInput, request: ResourceRequest): Promise<void> {
  for (const pauseMs of [...RETRY_AFTER_MS, undefined]) {
    try {
      return void (await invoke(structuredClone(request)));
    } catch {
      // Lambda eventually drops the event; CloudFormation continues to wait.
      if (pauseMs !== undefined) await clock.sleep(pauseMs);
    }
  }
}

/** Returns the response, or undefined when the time is over or the update is cancelled. */
async function waitForEnd(
  { clock, endpoint, cancelled }: ResourceLifeInput & { readonly cancelled: AbortSignal },
  { RequestId, ResourceProperties }: ResourceRequest,
): Promise<AnswerUpload | undefined> {
  const over = new AbortController();
  const seconds = Number(ResourceProperties["ServiceTimeout"] ?? TIMEOUT_SECONDS);
  const late = clock.sleep(seconds * 1_000, over.signal).then(() => undefined);
  const ended = new Promise<undefined>((end) => cancelled.addEventListener("abort", () => end(undefined)));
  const first = await Promise.race([endpoint.waitForAnswer(RequestId), late, ended]);
  over.abort();
  return first;
}

function toStep({ RequestType, RequestId }: ResourceRequest, upload: AnswerUpload | undefined): LifeStep {
  const { answer, problem } = upload ?? { answer: undefined, problem: `${TIMED_OUT} [${RequestId}]` };
  const isDone = answer?.Status === "SUCCESS";
  const status = `${RequestType.toUpperCase()}_${isDone ? "COMPLETE" : "FAILED"}`;
  return { status, reason: problem ?? answer?.Reason, answer, requestId: RequestId, followedBy: [] };
}

/** Converts every scalar to text, as CloudFormation does. */
function toText(properties: Properties): Properties {
  const text: unknown = JSON.parse(JSON.stringify(properties), (_key, value: unknown) => {
    return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  });
  return { ...Object(text) };
}

/** The bucket behind `ResponseURL`s. */
export interface AnswerEndpoint {
  /** Creates a response URL for one request, valid for two hours. */
  open(ids: RequestIds, region: string): string;
  /** Replaces the program's `fetch`. Other hosts are unreachable. */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>;
  /** Serves one PUT, by the path and query of its URL. */
  put(upload: Upload): PutResult;
  /** All uploads, in order, also those that were refused. */
  readonly uploads: readonly AnswerUpload[];
  /** Returns the effective response of a request: its first one. */
  findAnswer(requestId: string): AnswerUpload | undefined;
  /** Resolves with it. */
  waitForAnswer(requestId: string): Promise<AnswerUpload>;
  /** Makes the next upload fail: with a status, or a connection that breaks before or after it was stored. */
  failNext(failure: UploadFailure): void;
}

/** A request to the endpoint. */
interface Upload {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string;
}

/** What S3 says to it. */
interface PutResult {
  readonly status: number;
  readonly body: string;
}

/** A stored upload. */
export interface AnswerUpload extends PutResult {
  readonly requestId: string;
  readonly at: number;
  readonly bytes: number;
  /** What CloudFormation reads there; undefined: the upload was rejected, or is not valid. */
  readonly answer?: ResourceAnswer;
  /** Why CloudFormation fails the resource. */
  readonly problem?: string;
}

/** A number is a status. */
type UploadFailure = number | "reset" | "reset-after";

/** The signature is made for so long. */
const GOOD_FOR_MS = 2 * 3_600_000;

interface Slot {
  readonly ids: RequestIds;
  readonly expiresAt: number;
}

/**
 * Creates the endpoint for custom resources' responses. Sources: user guide, "Custom resource reference"
 * (`ResponseURL`: a presigned S3 URL; the answer is uploaded by PUT); S3 API reference, signature version 2: the
 * content type is part of what is signed, and CloudFormation signs an empty one.
 */
export function createAnswerEndpoint(now: () => number): AnswerEndpoint {
  const slots = new Map<string, Slot>();
  const uploads: AnswerUpload[] = [];
  const failures: UploadFailure[] = [];
  const waiters: { readonly requestId: string; readonly tell: (upload: AnswerUpload) => void }[] = [];
  const findAnswer = (requestId: string) => uploads.find((each) => each.requestId === requestId && each.status === 200);

  function store(slot: Slot | undefined, { body }: Upload, result: PutResult): PutResult {
    const requestId = slot?.ids.RequestId ?? "";
    const facts = { ...result, requestId, at: now(), bytes: Buffer.byteLength(body) };
    if (slot === undefined || result.status !== 200) {
      uploads.push(facts);
      return result;
    }
    const upload = { ...facts, ...evaluateAnswer(body, slot.ids) };
    uploads.push(upload);
    for (const waiter of waiters.filter((each) => each.requestId === requestId)) waiter.tell(upload);
    return result;
  }

  function put(upload: Upload): PutResult {
    const slot = slots.get(upload.path);
    const failure = failures.shift();
    if (typeof failure === "number") return store(slot, upload, { status: failure, body: toXml("InternalError") });
    if (failure === "reset") throw new TypeError("fetch failed", { cause: new Error("read ECONNRESET") });
    const result = store(slot, upload, toResult(slot, upload, now()));
    if (failure === "reset-after") throw new TypeError("fetch failed", { cause: new Error("read ECONNRESET") });
    return result;
  }

  return {
    uploads,
    put,
    findAnswer,
    open(ids, region) {
      const url = toResponseUrl(ids, region, now() + GOOD_FOR_MS);
      slots.set(`${url.pathname}${url.search}`, { ids, expiresAt: now() + GOOD_FOR_MS });
      return url.href;
    },
    async fetch(url, init) {
      // As the real `fetch` does, this gives a text without a content type one.
      const request = new Request(url, init);
      const { host, pathname, search } = new URL(request.url);
      if (!HOST.test(host)) throw new TypeError("fetch failed", { cause: new Error(`getaddrinfo ENOTFOUND ${host}`) });
      const contentType = request.headers.get("content-type");
      const body = await request.text();
      const result = put({ method: request.method, path: `${pathname}${search}`, contentType, body });
      return new Response(result.body, { status: result.status });
    },
    waitForAnswer(requestId) {
      const found = findAnswer(requestId);
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((tell) => waiters.push({ requestId, tell }));
    },
    failNext: (failure) => void failures.push(failure),
  };
}

const HOST = /^cloudformation-custom-resource-response-[a-z0-9]+\.s3\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/;

function toResponseUrl({ StackId, LogicalResourceId, RequestId }: RequestIds, region: string, expiresAt: number): URL {
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const host = `cloudformation-custom-resource-response-${region.replaceAll("-", "")}.s3.${region}.${suffix}`;
  const url = new URL(`https://${host}/${encodeURIComponent([StackId, LogicalResourceId, RequestId].join("|"))}`);
  url.searchParams.set("AWSAccessKeyId", "AKIASIM0000000000000");
  url.searchParams.set("Expires", String(Math.floor(expiresAt / 1_000)));
  url.searchParams.set("Signature", createHash("sha1").update(url.href).digest("base64"));
  return url;
}

function toResult(slot: Slot | undefined, { method, contentType }: Upload, now: number): PutResult {
  if (slot === undefined || method !== "PUT" || (contentType ?? "") !== "") {
    return { status: 403, body: toXml("SignatureDoesNotMatch") };
  }
  return now > slot.expiresAt ? { status: 403, body: toXml("AccessDenied") } : { status: 200, body: "" };
}

function toXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`;
}

/** Serves the endpoint over HTTP, for programs that run in processes of their own: the same paths, another host. */
export function listenForAnswers(endpoint: AnswerEndpoint): Promise<Listener> {
  const server = createServer((request, response) => {
    const { method = "GET", url: path = "/", headers } = request;
    text(request)
      .then((body) => endpoint.put({ method, path, contentType: headers["content-type"] ?? null, body }))
      .then(({ status, body }) => response.writeHead(status, { "content-length": Buffer.byteLength(body) }).end(body))
      .catch(() => response.destroy());
  });
  return listen(server);
}

/** What identifies a request; an answer brings it back as it was. */
interface RequestIds {
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

/** An answer that CloudFormation understands. */
export interface ResourceAnswer extends RequestIds {
  readonly Status: "SUCCESS" | "FAILED";
  readonly PhysicalResourceId: string;
  readonly Reason?: string;
  readonly NoEcho?: boolean;
  readonly Data?: Readonly<Record<string, unknown>>;
}

/** User guide, "Custom resource reference", response objects: the whole object has at most 4,096 bytes. */
const MAX_BYTES = 4_096;
/** The same page, `PhysicalResourceId`: non-empty and up to 1 KB. */
const MAX_PHYSICAL_ID_BYTES = 1_024;
const IDS = ["StackId", "RequestId", "LogicalResourceId"] as const;

/** Parses the bytes at a response URL like CloudFormation: the response, or why it fails the resource. */
function evaluateAnswer(
  body: string,
  ids: RequestIds,
): { readonly answer: ResourceAnswer } | { readonly problem: string } {
  if (Buffer.byteLength(body) > MAX_BYTES) return { problem: "Response object is too long." };
  const answer = parse(body);
  if (answer === undefined) return { problem: "Invalid response object: it is not a JSON object." };
  const wrong = IDS.find((id) => answer[id] !== ids[id]);
  if (wrong !== undefined)
    return { problem: `Invalid response object: Value of property ${wrong} must match the request.` };
  const { Status, Reason, PhysicalResourceId, Data } = answer;
  if (Status !== "SUCCESS" && Status !== "FAILED")
    return { problem: "Invalid response object: Value of property Status." };
  if (typeof PhysicalResourceId !== "string" || PhysicalResourceId === "")
    return { problem: "Invalid PhysicalResourceId" };
  if (Buffer.byteLength(PhysicalResourceId) > MAX_PHYSICAL_ID_BYTES)
    return { problem: "PhysicalResourceId is too long." };
  if (Status === "FAILED" && typeof Reason !== "string")
    return { problem: "Invalid response object: Reason is required." };
  if (Data !== undefined && Object(Data) !== Data)
    return { problem: "Invalid response object: Value of property Data." };
  return { answer: { ...ids, ...answer, Status, PhysicalResourceId } };
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(body);
  return isMap(value) ? value : undefined;
}
