import { Agent, createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type Clock, defined } from "@stackyard/core";
import type { AwsSim } from "../aws-sim.ts";
import { type Listener, listen } from "./listen.ts";
import {
  escapeText,
  loadSchemas,
  type OperationSchemas,
  parseQuery,
  type QueryDialect,
  type QueryService,
  readFault,
  readStructure,
  type ServiceSchemas,
} from "./query-protocol.ts";

/** One address for several emulators, as a cloud or an independent emulator has one. Tests and benchmarks listen at it. */
export interface FrontDoor extends Listener {
  /**
   * Refuses these until the function that it gives is called, as the service of the request denies: `AccessDeniedException`,
   * `AccessDenied` or `UnauthorizedOperation`, which the SDK does not retry.
   */
  refuse(matches: Matches): () => void;
  /** Refuses an access key so long after its first request, as IAM does with a new role. */
  refuseNew(accessKeyId: string, ms: number): void;
  /**
   * Blocks the next such request indefinitely: before its service has seen it, or after, with the answer ready. Resolves when
   * one waits. The caller can only time out.
   */
  hold(matches: Matches, when: "before" | "after"): Promise<void>;
}

/** Which requests are meant. */
type Matches = (request: DoorRequest) => boolean;

/** Where requests go, and who observes them. */
interface FrontDoorOptions {
  /** Addresses by service, or what answers in their place. */
  readonly services: Readonly<Record<string, string | Answer>>;
  /** The address of every other service. */
  readonly others: string;
  /** Changes the requests to a service. */
  readonly rewrite?: (request: DoorRequest) => Buffer;
  /**
   * What time it is for the services. A client that differs from it by more than five minutes corrects its own clock and sends
   * the call again. Default: the system's clock.
   */
  readonly clock?: Pick<Clock, "now">;
  /** Called after each response. */
  readonly onExchange?: (request: DoorRequest, answer: HttpAnswer) => void;
}

/** Answers requests in the place of a server. */
export type Answer = (request: DoorRequest) => Promise<HttpAnswer>;

/** An answer on the wire. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** Comes after `body`; one that breaks breaks the connection. */
  readonly stream?: Readable;
}

interface Hold {
  readonly matches: Matches;
  readonly when: "before" | "after";
  readonly held: () => void;
}

/** Opens it on a free port of this machine. */
export async function openFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const agent = new Agent({ keepAlive: true });
  const refusals = new Set<Matches>();
  const holds = new Set<Hold>();

  /** Returns false if the request must not be answered. */
  function passes(request: DoorRequest, when: Hold["when"]): boolean {
    const hold = [...holds].find((each) => each.when === when && each.matches(request));
    if (hold === undefined) return true;
    holds.delete(hold);
    hold.held();
    return false;
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = toDoorRequest(incoming, await buffer(incoming));
    if (!passes(request, "before")) return;
    const isRefused = [...refusals].some((matches) => matches(request));
    const gone = new AbortController();
    // A long poll whose asker has gone takes no message.
    response.once("close", () => response.writableEnded || gone.abort());
    const answer = isRefused
      ? toDenial(request)
      : await ask(options, incoming, request, { agent, signal: gone.signal });
    if (!passes(request, "after")) return;
    options.onExchange?.(request, answer);
    const date = options.clock && new Date(options.clock.now()).toUTCString();
    await send(response, { ...answer, headers: { ...answer.headers, ...defined({ date }) } });
  }

  const server = createServer((incoming, response) => {
    // Who asks sees a connection that broke, and so does the test that made the emulator fail.
    serve(incoming, response).catch(() => response.destroy());
  });
  const { url, stop } = await listen(server);
  return {
    url,
    refuse(matches) {
      refusals.add(matches);
      return () => void refusals.delete(matches);
    },
    refuseNew(accessKeyId, ms) {
      let until: number | undefined;
      refusals.add((request) => {
        if (request.accessKeyId !== accessKeyId) return false;
        until ??= Date.now() + ms;
        return Date.now() < until;
      });
    },
    hold: (matches, when) => new Promise((held) => holds.add({ matches, when, held })),
    async stop() {
      await stop();
      agent.destroy();
    },
  };
}

async function send(response: ServerResponse, { status, headers, body, stream }: HttpAnswer): Promise<void> {
  response.writeHead(status, headers);
  if (stream === undefined) return void response.end(body);
  if (body.length > 0) response.write(body);
  await pipeline(stream, response);
}

function ask(
  { services, others, rewrite }: FrontDoorOptions,
  incoming: IncomingMessage,
  request: DoorRequest,
  connection: { readonly agent: Agent; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const target = services[request.service] ?? others;
  if (typeof target !== "string") return target(request);
  const body = rewrite?.(request) ?? request.body;
  const headers = { ...incoming.headers, "content-length": String(body.length) };
  const url = new URL(incoming.url ?? "/", target);
  return new Promise((resolve, reject) => {
    const sent = sendRequest(url, { method: incoming.method ?? "GET", headers, ...connection }, (answer) => {
      const { statusCode: status = 500, headers: answered } = answer;
      const { "transfer-encoding": _chunks, "content-length": _length, ...rest } = answered;
      const end = (body: Buffer) => resolve({ status, headers: toHeaders(rest, answered, incoming, body), body });
      buffer(answer).then(end, reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Returns the headers; a response to HEAD has the length of the omitted body. */
function toHeaders(
  rest: HttpAnswer["headers"],
  answered: HttpAnswer["headers"],
  { method }: IncomingMessage,
  body: Buffer,
): HttpAnswer["headers"] {
  const length = method === "HEAD" ? answered["content-length"] : String(body.length);
  return { ...rest, ...defined({ "content-length": length }) };
}

/** A request to AWS, as far as it can be read from the wire. */
export interface DoorRequest {
  /** As in the credential scope of the signature: `sqs`, `dynamodb`, `s3`, `lambda`, `secretsmanager`. */
  readonly service: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** Of temporary credentials. */
  readonly sessionToken: string | undefined;
  /** The name in the API reference; for S3 and Lambda, derived from method and path. */
  readonly operation: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const SCOPE = /Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/;
/** A presigned URL has its scope in the query ("Authenticating Requests: Using Query Parameters"). */
const QUERY_SCOPE = /X-Amz-Credential=([^&]+)/;

/**
 * Returns the requested operation. Sources: "Create a signed AWS API request" (credential scope); AWS JSON protocols, whose
 * `X-Amz-Target` names the operation; S3 API reference, GetObject, PutObject, HeadObject and ListObjectsV2.
 */
export function toDoorRequest(
  { method = "GET", url = "/", headers }: Pick<IncomingMessage, "method" | "url" | "headers">,
  body: Buffer,
): DoorRequest {
  const [, accessKeyId = "", region = "", service = ""] =
    SCOPE.exec(headers.authorization ?? findQueryScope(url)) ?? [];
  const target = headers["x-amz-target"];
  const operation = typeof target === "string" ? (target.split(".").at(-1) ?? "") : toRestOperation(method, url);
  const token = headers["x-amz-security-token"];
  const sessionToken = typeof token === "string" ? token : undefined;
  return { service, region, accessKeyId, sessionToken, operation, method, path: url, headers, body };
}

function findQueryScope(url: string): string {
  const [, scope] = QUERY_SCOPE.exec(url) ?? [];
  return scope === undefined ? "" : `Credential=${decodeURIComponent(scope)}`;
}

function toRestOperation(method: string, url: string): string {
  if (/^\/2015-03-31\/functions\/[^/]+\/invocations/.test(url)) return "Invoke";
  if (url.includes("list-type=2")) return "ListObjectsV2";
  const [first = "", rest = ""] = method.toLowerCase().split(/(?<=^.)/);
  return `${first.toUpperCase()}${rest}Object`;
}

/**
 * Serves a JSON service of a simulation over HTTP; named as the SDK names its client, without `Client`. Source of the
 * form: AWS JSON 1.1 protocol, answers and errors.
 */
export function answerJson(sim: Pick<AwsSim, "serve">, service: string): Answer {
  return async ({ operation, region, accessKeyId, sessionToken, body }) => {
    const input = JSON.parse(body.toString() || "{}");
    const call = { service, operation, input, region, accessKeyId, sessionToken };
    const { status, value } = await sim.serve(call).then(
      (output) => ({ status: 200, value: toJson(output ?? {}) }),
      (error) => {
        const { name, message, status } = readFault(error);
        return { status, value: toJson({ ...fieldsOf(error), __type: name, message }) };
      },
    );
    const headers = { "content-type": "application/x-amz-json-1.1" };
    return { status, headers, body: Buffer.from(JSON.stringify(value)) };
  };
}

/** Serves Lambda's Invoke of a simulation over HTTP. Source of the format: API reference, "Invoke". */
export function answerLambda(sim: Pick<AwsSim, "serve">): Answer {
  return async ({ operation, region, accessKeyId, sessionToken, path, body }) => {
    const name = /^\/2015-03-31\/functions\/([^/]+)/.exec(path)?.[1] ?? "";
    const input = { FunctionName: decodeURIComponent(name), Payload: body };
    return sim.serve({ service: "Lambda", operation, input, region, accessKeyId, sessionToken }).then(
      (output) => {
        const { FunctionError, Payload } = Object(output);
        const fault = FunctionError === undefined ? undefined : String(FunctionError);
        const headers = defined({ "x-amz-function-error": fault });
        return { status: 200, headers, body: Buffer.from(Payload) };
      },
      (error) => {
        const { name: fault, message, status } = readFault(error);
        return { status, headers: { "x-amzn-errortype": fault }, body: Buffer.from(JSON.stringify({ message })) };
      },
    );
  };
}

/** Serves ECS of a simulation over HTTP. */
export const answerEcs = (sim: AwsSim): Answer => answerJson(sim, "ECS");

/** Serves CloudWatch Logs of a simulation over HTTP. */
export const answerLogs = (sim: AwsSim): Answer => answerJson(sim, "CloudWatchLogs");

/** Serves Step Functions of a simulation over HTTP. */
export const answerStates = (sim: AwsSim): Answer => answerJson(sim, "SFN");

/** Returns the service's error fields besides its name and message. */
function fieldsOf(error: object): object {
  const kept = Object.entries(error).filter(([name]) => !name.startsWith("$") && name !== "name");
  return Object.fromEntries(kept);
}

/** Instants travel as seconds, bytes as base64. */
function toJson(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1_000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toJson(each)]));
}

/**
 * Serves a service of a simulation over HTTP, in one of the query protocols; named as the SDK names its client, without
 * `Client`. Sources of the form: Smithy, "AWS query protocol" and "AWS EC2 query protocol".
 */
export function answerQuery(sim: Pick<AwsSim, "serve">, service: QueryService): Answer {
  const dialect = service === "EC2" ? "ec2Query" : "awsQuery";
  return async ({ region, accessKeyId, sessionToken, body }) => {
    const schemas = await loadSchemas(service);
    const { operation, fields } = parseQuery(body.toString());
    const found: OperationSchemas = schemas.findOperation(operation) ?? { input: undefined, output: undefined };
    const input = found.input === undefined ? {} : readStructure(found.input, fields, dialect);
    const call = { service, operation, input, region, accessKeyId, sessionToken };
    return sim.serve(call).then(
      (output) => toOutput(operation, dialect, found.output === undefined ? "" : schemas.toXml(found.output, output)),
      (error) => toError(schemas, dialect, error),
    );
  };
}

/** Formats the output; only the older protocol has an element around the result. */
function toOutput(operation: string, dialect: QueryDialect, text: string): HttpAnswer {
  const body =
    dialect === "ec2Query"
      ? `<requestId>1</requestId>${text}`
      : `<${operation}Result>${text}</${operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>`;
  return toXmlAnswer(200, `<${operation}Response>${body}</${operation}Response>`);
}

function toError(schemas: ServiceSchemas, dialect: QueryDialect, error: unknown): HttpAnswer {
  const { name, message, status } = readFault(error);
  return toErrorAnswer(dialect, { code: schemas.toCode(name), message, status });
}

function toErrorAnswer(dialect: QueryDialect, fault: QueryFault): HttpAnswer {
  const { status } = fault;
  const code = `<Code>${fault.code}</Code><Message>${escapeText(fault.message)}</Message>`;
  if (dialect === "ec2Query") {
    const errors = `<Errors><Error>${code}</Error></Errors>`;
    return toXmlAnswer(status, `<Response>${errors}<RequestID>1</RequestID></Response>`);
  }
  const type = status >= 500 ? "Receiver" : "Sender";
  const body = `<Error><Type>${type}</Type>${code}</Error><RequestId>1</RequestId>`;
  return toXmlAnswer(status, `<ErrorResponse>${body}</ErrorResponse>`);
}

/** An error as a query protocol has it. */
interface QueryFault {
  readonly code: string;
  readonly message: string;
  readonly status: number;
}

const REFUSED = "The front door rejects the request.";

/** Returns the denial in the protocol of the request, with the code that the SDK does not retry. */
function toDenial({ service, headers }: DoorRequest): HttpAnswer {
  if (service === "s3")
    return toXmlAnswer(403, `<Error><Code>AccessDenied</Code><Message>${REFUSED}</Message></Error>`);
  if (service === "ec2") {
    return toErrorAnswer("ec2Query", { code: "UnauthorizedOperation", message: REFUSED, status: 403 });
  }
  if (String(headers["content-type"]).startsWith("application/x-www-form-urlencoded")) {
    return toErrorAnswer("awsQuery", { code: "AccessDenied", message: REFUSED, status: 403 });
  }
  const body = Buffer.from(JSON.stringify({ __type: "AccessDeniedException", message: REFUSED }));
  const type = { "content-type": "application/x-amz-json-1.0", "x-amzn-errortype": "AccessDeniedException" };
  return { status: 400, headers: type, body };
}

function toXmlAnswer(status: number, text: string): HttpAnswer {
  return { status, headers: { "content-type": "text/xml;charset=UTF-8" }, body: Buffer.from(text) };
}

/**
 * Serves CloudWatch of a simulation over HTTP: JSON, with the codes that errors had in the query protocol in a header
 * of their own. Source of the form: Smithy, "AWS query compatible" (`x-amzn-query-error`).
 */
export function answerCloudWatch(sim: Pick<AwsSim, "serve">): Answer {
  const answer = answerJson(sim, "CloudWatch");
  return async (request) => {
    const { status, headers, body } = await answer(request);
    if (status === 200) return { status, headers, body };
    const { toCode } = await loadSchemas("CloudWatch");
    const { __type: name } = JSON.parse(body.toString());
    const error = `${toCode(String(name))};${status >= 500 ? "Receiver" : "Sender"}`;
    return { status, headers: { ...headers, "x-amzn-query-error": error }, body };
  };
}

/** Secrets Manager of a simulation over HTTP. */
export function answerSecrets(sim: AwsSim): Answer {
  return answerJson(sim, "SecretsManager");
}
