import { createHash } from "node:crypto";
import { judgeAnswer, type RequestIds, type ResourceAnswer } from "./judge-answer.ts";

/** The bucket behind `ResponseURL`s. */
export interface AnswerEndpoint {
  /** A response URL for one request, good for two hours. */
  open(ids: RequestIds, region: string): string;
  /** In the place of the program's `fetch`. Other hosts are not reached. */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>;
  /** Serves one PUT, by the path and query of its URL. */
  put(upload: Upload): PutResult;
  /** All uploads, in order, also those that were refused. */
  readonly uploads: readonly AnswerUpload[];
  /** What counts for a request: its first answer. */
  findAnswer(requestId: string): AnswerUpload | undefined;
  /** Resolves with it. */
  waitForAnswer(requestId: string): Promise<AnswerUpload>;
  /** How the next upload fails: with a status, or a connection that breaks before or after it was stored. */
  failNext(failure: UploadFailure): void;
}

/** A request to the endpoint. */
export interface Upload {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string;
}

/** What S3 says to it. */
export interface PutResult {
  readonly status: number;
  readonly body: string;
}

/** An upload as it is kept. */
export interface AnswerUpload extends PutResult {
  readonly requestId: string;
  readonly at: number;
  readonly bytes: number;
  /** What CloudFormation reads there; undefined: the upload was refused, or nobody understands it. */
  readonly answer?: ResourceAnswer;
  /** Why CloudFormation fails the resource. */
  readonly problem?: string;
}

/** A number is a status. */
export type UploadFailure = number | "reset" | "reset-after";

/** The signature is made for so long. */
const GOOD_FOR_MS = 2 * 3_600_000;

interface Slot {
  readonly ids: RequestIds;
  readonly expiresAt: number;
}

/**
 * The endpoint that custom resources answer to. Sources: user guide, "Custom resource reference" (`ResponseURL`: a presigned
 * S3 URL; the answer is uploaded by PUT); S3 API reference, signature version 2: the content type is part of what is signed,
 * and CloudFormation signs an empty one.
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
    const upload = { ...facts, ...judgeAnswer(body, slot.ids) };
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
