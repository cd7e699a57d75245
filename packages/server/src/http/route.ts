import { defined, listSchemaFaults, PATH_PART, type SchemaFault, StackyardError } from "@stackyard/core";
import type { RouteAccess, Sender } from "@stackyard/core/access";
import type { Example } from "@stackyard/core/api/operations";
import type { Context, Hono } from "hono";
import { type Static, type TProperties, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { ANONYMOUS, type Caller, type CallerFinder, type RequestFacts, withRequest } from "../access/caller.ts";
import type { AuditChannel } from "../access/channel-audit.ts";
import type { Guard } from "../access/guard.ts";
import type { CallerLanes } from "./caller-lanes.ts";
import { answerBefore, refuseOthers } from "./common-route.ts";
import { HttpError, type RequestFault } from "./problem.ts";
import { readJson } from "./read-body.ts";

/** The answer of a route with one status. Without a schema, the body has that media type or is empty. */
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
  readonly example?: Example;
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

/** The unparsed input of a request. */
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
  const parts = Object.fromEntries(Object.entries<TSchema>(params ?? {}).map(toPathPart));
  const parseParams = createParser("path", Type.Object(parts));
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
  return { ...rest, method, path, ...defined({ body }), access, params: parts, query: query ?? {}, call };
}

/** Refuses `.` and `..` for a part of a path, whatever else its schema allows. */
function toPathPart([name, schema]: readonly [string, TSchema]): readonly [string, TSchema] {
  return [name, "pattern" in schema ? schema : { ...schema, pattern: PATH_PART }];
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
    const faults = listSchemaFaults(schema, value).slice(0, MAX_FAULTS);
    return { value, faults: faults.map((fault) => toFault(part, fault)) };
  };
}

function toFault(part: RequestFault["in"], { kind, path, what }: SchemaFault): RequestFault {
  const pointer = path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { in: part, pointer, message: kind === "unknown" ? "unknown property" : what };
}

function refusal(faults: readonly RequestFault[]): HttpError {
  const [first] = faults;
  const where = first === undefined ? "" : ` ${first.in}${first.pointer}: ${first.message}.`;
  return new HttpError(400, "USAGE", `The request does not fit its schema.${where}`, { details: { faults } });
}

/** The dependencies of mounting a route. */
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

/** Returns the same error for a wrong, an expired and a revoked token. `isGiven`: the request has a token. */
export function unauthenticated(isGiven: boolean): StackyardError {
  const why = isGiven
    ? "The token is not valid: it is wrong, has expired or was revoked."
    : 'Send the token: "authorization: Bearer <token>".';
  return new StackyardError("UNAUTHENTICATED", why);
}
