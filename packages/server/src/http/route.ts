import { STATUS_CODES } from "node:http";
import {
  defined,
  type ErrorCode,
  httpStatusOf,
  isStackyardError,
  StackyardError,
  type StackyardErrorOptions,
  unlessAborted,
} from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import type { Context, Hono } from "hono";
import { type Static, type TProperties, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";
import {
  ANONYMOUS,
  type Caller,
  type CallerFinder,
  type Guard,
  type RequestFacts,
  type RouteAccess,
  withRequest,
} from "../access/caller.ts";
import type { AuditChannel } from "../access/channel-audit.ts";
import type { CallerLanes } from "./caller-lanes.ts";

/** What one status of a route means. Without a schema, the body has that media type or is empty. */
export interface RouteAnswer {
  readonly description: string;
  readonly schema?: TSchema;
  readonly mediaType?: string;
}

/** The context of a handler, in addition to its parsed input. */
export interface RouteContext {
  readonly request: Request;
  /** The sender of the request, and its rights. `ANONYMOUS` for public routes. */
  readonly caller: Caller;
  /** The caller's name, as histories show it. */
  readonly actor: string;
  /** The verified sender; events of the request carry it. */
  readonly sender: Sender;
  /** Checks the route's permission on its subject. */
  readonly authorize: (access: RouteAccess, params: Readonly<Record<string, string>>) => Promise<void>;
  /** Aborted when the request's time is over or the client has disconnected. */
  readonly signal: AbortSignal;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** The parts of a route, except the access that it needs. */
interface RouteParts<Params extends TProperties, Query extends TProperties, Body extends TSchema> {
  /** Unique; clients are generated with it. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  /**
   * True if the handler writes the audit log before it acts or answers. The document lists the error when it cannot.
   */
  readonly audited?: boolean;
  /** True for streams that stay open: no time limit. */
  readonly longLived?: boolean;
  readonly params?: Params;
  readonly query?: Query;
  /** Rejects properties that are not listed, unless the schema allows them or the handler validates them. */
  readonly body?: Body;
  /** The documented body where the handler, not the schema, validates it. */
  readonly describedBody?: TSchema;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  handle(
    input: {
      readonly params: Static<ReturnType<typeof Type.Object<Params>>>;
      readonly query: Static<ReturnType<typeof Type.Object<Query>>>;
      readonly body: Static<Body>;
    },
    context: RouteContext,
  ): Promise<Response>;
}

/** The parts of a route; `defineRoute` makes it callable. */
type RouteSpec<Params extends TProperties, Query extends TProperties, Body extends TSchema> = RouteParts<
  Params,
  Query,
  Body
> &
  RouteAccess;

/** What came with a request, unparsed. */
interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A route as the server mounts it and the OpenAPI document describes it. */
export interface Route extends Omit<RouteParts<TProperties, TProperties, TSchema>, "handle" | "params" | "query"> {
  readonly method: Method;
  readonly path: string;
  readonly access: RouteAccess;
  readonly params: TProperties;
  readonly query: TProperties;
  /** Parses all three parts, checks the permission, answers 400 with every fault, then calls the handler. */
  call(input: RawInput, context: RouteContext): Promise<Response>;
}

/** Makes a route of its parts; `path` is in Hono's form: `/v1/stacks/:stackId`. Schemas are compiled here, once. */
export function defineRoute<
  Params extends TProperties = Record<never, never>,
  Query extends TProperties = Record<never, never>,
  Body extends TSchema = ReturnType<typeof Type.Undefined>,
>(method: Method, path: string, spec: RouteSpec<Params, Query, Body>): Route {
  const { handle, permission, subject, params, query, ...rest } = spec;
  // Both are of one member of the union, since they come from one.
  const access = { permission, subject } as RouteAccess;
  const parseParams = createParser("path", Type.Object(params ?? {}));
  const parseQuery = createParser("query", Type.Object(query ?? {}, { additionalProperties: false }));
  const body = spec.body && (spec.describedBody === undefined ? toClosed(spec.body) : spec.body);
  const parseBody = createParser("body", body ?? Type.Unknown());
  const call: Route["call"] = async (input, context) => {
    const [p, q, b] = [parseParams(input.params), parseQuery(input.query), parseBody(input.body)];
    const faults = [p, q, b].flatMap((part) => part.faults);
    // A caller without the permission learns that, and not what a body lacks. A wrong path has no subject.
    if (p.faults.length === 0) await context.authorize(access, input.params);
    if (faults.length > 0) throw refusal(faults);
    // The three parsers have just checked the values against the very schemas that the types come from.
    return handle({ params: p.value, query: q.value, body: b.value } as Parameters<typeof handle>[0], context);
  };
  return { ...rest, method, path, ...defined({ body }), access, params: params ?? {}, query: query ?? {}, call };
}

/** Closes an object schema: an unexpected property could replace one that the handler adds. */
function toClosed(schema: TSchema): TSchema {
  if (!Type.IsObject(schema) || "additionalProperties" in schema) return schema;
  return Type.Object(schema.properties, { additionalProperties: false });
}

/** Returns a JSON response. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

/** Returns a response of texts. Each is created when the receiver takes it. */
export function streamTexts(texts: AsyncIterable<string>, headers: Readonly<Record<string, string>>): Response {
  return new Response(ReadableStream.from(encode(texts)), { headers });
}

async function* encode(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  for await (const text of texts) yield encoder.encode(text);
}

const MAX_FAULTS = 20;

function createParser(part: RequestFault["in"], schema: TSchema) {
  const validator = Compile(schema);
  return (raw: unknown): { readonly value: unknown; readonly faults: readonly RequestFault[] } => {
    // Query text is converted to the types of the schema; a body has its own types.
    const value = part === "query" ? validator.Convert({ ...(raw as object) }) : raw;
    if (validator.Check(value)) return { value, faults: [] };
    const errors = validator.Errors(value).slice(0, MAX_FAULTS);
    return { value, faults: errors.map((error) => toFault(part, error)) };
  };
}

function toFault(
  part: RequestFault["in"],
  { instancePath, keyword, message }: TLocalizedValidationError,
): RequestFault {
  // The keyword of a property that the schema does not have.
  return { in: part, pointer: instancePath, message: keyword === "boolean" ? "unknown property" : message };
}

function refusal(faults: readonly RequestFault[]): HttpError {
  const [first] = faults;
  const where = first === undefined ? "" : ` ${first.in}${first.pointer}: ${first.message}.`;
  return new HttpError(400, "USAGE", `The request does not fit its schema.${where}`, { details: { faults } });
}

/** What every route goes through. */
interface MountDeps {
  readonly callers: CallerFinder;
  readonly guard: Guard;
  readonly findFacts: (c: Context) => RequestFacts;
  readonly bodyBytes: number;
  readonly requestMs: number;
  /** Where reads of one caller wait for each other. */
  readonly lanes: CallerLanes;
  readonly auditChannel: AuditChannel;
}

/** Puts the routes under their paths: token, input, time limit, handler. Errors fly to the app's `onError`. */
export function mountRoutes(app: Hono, routes: readonly Route[], deps: MountDeps): void {
  for (const route of routes) app.on(route.method, route.path, (c) => callRoute(c, route, deps));
  for (const [path, sharing] of Map.groupBy(routes, (route) => route.path)) refuseOthers(app, path, sharing);
}

/** Answers 405 to all methods of a path but those of these routes, which are mounted before. */
export function refuseOthers(app: Hono, path: string, sharing: readonly { readonly method: string }[]): void {
  app.all(path, () => {
    throw toMethodError(sharing.map(({ method }) => method));
  });
}

/** Returns the error for a method that a path does not have. */
export function toMethodError(methods: readonly string[]): HttpError {
  const allow = methods.join(", ");
  return new HttpError(405, "USAGE", `Method not allowed. Use ${allow}.`, { details: { allow } });
}

async function callRoute(c: Context, route: Route, deps: MountDeps): Promise<Response> {
  const request = c.req.raw;
  const limit = AbortSignal.timeout(deps.requestMs);
  const work = async () => {
    const caller = await findCaller(c, route, deps);
    const signal = route.longLived
      ? deps.callers.untilRevoked(request, caller)
      : AbortSignal.any([request.signal, limit]);
    const input = await readInput(c, route, deps.bodyBytes);
    const { sender } = caller;
    const authorize: RouteContext["authorize"] = (access, params) => deps.guard.check(access, caller, params);
    const context = { request, caller, actor: sender.name, sender, authorize, signal };
    const call = () => deps.auditChannel({ route, caller, params: input.params }, () => route.call(input, context));
    return isRead(route) ? deps.lanes.run(`${sender.kind} ${sender.id}`, call) : call();
  };
  return route.longLived ? openLongLived(request, work()) : answerBefore(limit, work());
}

/** Returns true for reads that may take long. Public routes have no caller, and streams read in their own time. */
function isRead({ method, access, longLived }: Route): boolean {
  return method === "GET" && access.permission !== "public" && longLived !== true;
}

async function findCaller(c: Context, route: Route, { callers, findFacts }: MountDeps): Promise<Caller> {
  if (route.access.permission === "public") return withRequest(ANONYMOUS, findFacts(c));
  const caller = await callers.authenticate(c.req.raw);
  if (caller === undefined) throw unauthenticated((c.req.header("authorization") ?? "") !== "");
  return withRequest(caller, findFacts(c));
}

/** Cancels the body of a response to HEAD, because nothing reads it. */
async function openLongLived(request: Request, opened: Promise<Response>): Promise<Response> {
  const response = await opened;
  if (request.method === "HEAD") await response.body?.cancel();
  return response;
}

async function readInput(c: Context, route: Route, maxBytes: number): Promise<RawInput> {
  const pairs = [...new URL(c.req.url).searchParams];
  const query = new Map(pairs);
  if (query.size < pairs.length) throw new HttpError(400, "USAGE", "A query parameter appears twice.");
  const body = route.method === "POST" || route.method === "PUT" ? await readJson(c.req.raw, maxBytes) : undefined;
  return { params: c.req.param(), query: Object.fromEntries(query), body };
}

/** Throws `TIMED_OUT` when the answer takes longer than the limit. */
export function answerBefore(limit: AbortSignal, answer: Promise<Response>): Promise<Response> {
  return unlessAborted(answer, limit, () => new StackyardError("TIMED_OUT", "The request took too long."));
}

/** Returns the same error for a wrong, an expired and a revoked token. `isGiven`: the request has a token. */
export function unauthenticated(isGiven: boolean): StackyardError {
  const why = isGiven
    ? "The token is not valid: it is wrong, has expired or was revoked."
    : 'Send the token: "authorization: Bearer <token>".';
  return new StackyardError("UNAUTHENTICATED", why);
}

/**
 * Reads at most `maxBytes` of the body; throws `PAYLOAD_TOO_LARGE` as soon as it is known to be larger. Calls `onBytes`
 * with the length of each piece before it is kept; it may throw.
 */
export async function readBytes(
  request: Request,
  maxBytes: number,
  onBytes?: (length: number) => void,
): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of untilBroken(request.body)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    onBytes?.(chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Turns a client's disconnect into `USAGE`: it is not a fault of the server, so the log must not show it as one. */
async function* untilBroken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new HttpError(400, "USAGE", "The body ended early.", { cause });
  }
}

/** Reads the body as JSON; undefined when it is empty. The content type is required: a page of another site cannot set it without a preflight. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes.byteLength === 0) return undefined;
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw new HttpError(415, "USAGE", 'Send JSON with the header "content-type: application/json".');
  }
  return parseJson(toText(bytes));
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HttpError(400, "USAGE", "The body is not UTF-8.", { cause });
  }
}

function tooLarge(maxBytes: number): StackyardError {
  return new StackyardError("PAYLOAD_TOO_LARGE", `The body is larger than ${maxBytes} bytes.`);
}

const MAX_DEPTH = 32;

/**
 * Parses JSON from outside. Rejects (400, `USAGE`) invalid JSON, nesting deeper than 32, and any key `__proto__`, so
 * that no later copy of the value can reach a prototype. `what` begins the error's message.
 */
export function parseJson(text: string, what = "The body"): unknown {
  const value = parseText(text, what);
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH) throw new HttpError(400, "USAGE", `${what} nests deeper than ${MAX_DEPTH} levels.`);
    if (Object.hasOwn(value, "__proto__")) throw new HttpError(400, "USAGE", `${what} has a key "__proto__".`);
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
  return value;
}

function parseText(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HttpError(400, "USAGE", `${what} is not JSON.`, { cause });
  }
}

/** One fault of a request: its place in the body, the query or the path, and a description. */
const RequestFault = Type.Object({
  in: Type.Union([Type.Literal("body"), Type.Literal("query"), Type.Literal("path")]),
  pointer: Type.String({ description: "JSON pointer (RFC 6901)." }),
  message: Type.String(),
});
type RequestFault = Static<typeof RequestFault>;

/** The body of every error (RFC 9457). Programs read `code`. */
export const ProblemDetails = Type.Object({
  type: Type.String({ description: "Always about:blank; `code` is the kind." }),
  title: Type.String(),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  detail: Type.String({ description: "What is wrong, with what, and what to do." }),
  code: Type.String({ description: "Stable and in capitals, such as STACK_UNKNOWN." }),
  retryable: Type.Boolean({ description: "The same request may succeed later without a change." }),
  requestId: Type.Optional(Type.String({ description: "The same id appears in the server's log." })),
  faults: Type.Optional(Type.Array(RequestFault)),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type ProblemDetails = Static<typeof ProblemDetails>;

/** The input of a problem. */
export interface ProblemInput {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable?: boolean;
  readonly requestId?: string;
  readonly faults?: readonly RequestFault[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Converts a problem to its JSON. */
function toProblem(input: ProblemInput): ProblemDetails {
  const { status, code, detail, retryable = false, requestId, faults, details } = input;
  return defined({
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail,
    code,
    retryable,
    requestId,
    faults: faults && [...faults],
    details: details && Object.keys(details).length > 0 ? details : undefined,
  });
}

/** Converts a thrown error to a problem. An unknown error is not described: its text may contain anything. */
export function toProblemInput(error: unknown): ProblemInput {
  if (!isStackyardError(error)) {
    return { status: 500, code: "INTERNAL", detail: "The server failed to process the request. See its log." };
  }
  const status = error instanceof HttpError ? error.status : httpStatusOf(error.code);
  const faults = Array.isArray(error.details["faults"]) ? (error.details["faults"] as RequestFault[]) : undefined;
  const { faults: _, ...details } = error.details;
  const { code, message, retryable } = error;
  return { status, code, detail: message, retryable, details, ...defined({ faults }) };
}

/** Returns a response with problem details. */
export function problemResponse(input: ProblemInput, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(toProblem(input)), {
    status: input.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** An error with a different status than its code has everywhere else, such as 405 or 415. */
export class HttpError extends StackyardError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string, options?: StackyardErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}
