import type { Static, TProperties, TSchema } from "typebox";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { HttpError } from "./http-error.ts";
import type { RequestFault } from "./problem.ts";

/** What one status of a route means. Without a schema the body is of that media type, or there is none. */
export interface RouteAnswer {
  readonly description: string;
  readonly schema?: TSchema;
  readonly mediaType?: string;
}

/** What a handler is given besides its parsed input. */
export interface RouteContext {
  readonly request: Request;
  /** Who asks: the name of the token. */
  readonly actor: string;
  /** Aborted when the time of the request is over or its sender is gone. */
  readonly signal: AbortSignal;
}

/** What a route is made of; `defineRoute` makes it callable. */
export interface RouteSpec<Params extends TProperties, Query extends TProperties, Body extends TSchema> {
  readonly method: "GET" | "POST" | "DELETE";
  /** Hono's form: `/v1/stacks/:stackId`. */
  readonly path: string;
  /** Unique; clients are generated with it. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  /** `public`: no token is asked for. */
  readonly access?: "operator" | "public";
  /** True for streams that stay open: no time limit. */
  readonly longLived?: boolean;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** What the document says of the body where the handler, not the schema, tells its faults. */
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

/** What came with a request, unparsed. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A route as the server mounts it and the OpenAPI document describes it. */
export interface Route
  extends Omit<RouteSpec<TProperties, TProperties, TSchema>, "handle" | "params" | "query" | "access"> {
  readonly access: "operator" | "public";
  readonly params: TProperties;
  readonly query: TProperties;
  /** Parses all three parts, answers 400 with every fault, or calls the handler. */
  call(input: RawInput, context: RouteContext): Promise<Response>;
}

/** Makes a route of its parts. Schemas are compiled here, once. */
export function defineRoute<
  Params extends TProperties = Record<never, never>,
  Query extends TProperties = Record<never, never>,
  Body extends TSchema = ReturnType<typeof Type.Undefined>,
>(spec: RouteSpec<Params, Query, Body>): Route {
  const { handle, access = "operator", params, query, ...rest } = spec;
  const parseParams = createParser("path", Type.Object(params ?? {}));
  const parseQuery = createParser("query", Type.Object(query ?? {}, { additionalProperties: false }));
  const parseBody = createParser("body", spec.body ?? Type.Unknown());
  const call: Route["call"] = async (input, context) => {
    const [p, q, b] = [parseParams(input.params), parseQuery(input.query), parseBody(input.body)];
    const faults = [p, q, b].flatMap((part) => part.faults);
    if (faults.length > 0) throw refusal(faults);
    // The three parsers have just checked the values against the very schemas that the types come from.
    return handle({ params: p.value, query: q.value, body: b.value } as Parameters<typeof handle>[0], context);
  };
  return { ...rest, access, params: params ?? {}, query: query ?? {}, call };
}

/** An answer in JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

const MAX_FAULTS = 20;

function createParser(part: RequestFault["in"], schema: TSchema) {
  const validator = Compile(schema);
  return (raw: unknown): { readonly value: unknown; readonly faults: readonly RequestFault[] } => {
    // Text of a query becomes the number that the schema asks for; a body says its types itself.
    const value = part === "query" ? validator.Convert({ ...(raw as object) }) : raw;
    if (validator.Check(value)) return { value, faults: [] };
    const faults = validator.Errors(value).slice(0, MAX_FAULTS);
    return { value, faults: faults.map(({ instancePath, message }) => ({ in: part, pointer: instancePath, message })) };
  };
}

function refusal(faults: readonly RequestFault[]): HttpError {
  const [first] = faults;
  const where = first === undefined ? "" : ` ${first.in}${first.pointer}: ${first.message}.`;
  return new HttpError(400, "USAGE", `The request does not fit its schema.${where}`, { details: { faults } });
}
