import { type TObject, type TProperties, type TSchema, Type } from "typebox";
import type { RouteAccess } from "../../access/route-access.ts";
import type * as schemas from "../index.ts";
import type { View } from "../view.ts";

/** The method of an operation. */
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A name of a schema of the API, such as `Freeze`. */
export type SchemaName = {
  [Name in keyof typeof schemas]: (typeof schemas)[Name] extends TSchema ? Name : never;
}[keyof typeof schemas];

type Named<Name> = Name extends SchemaName
  ? (typeof schemas)[Name] extends infer Schema extends TSchema
    ? View<Schema>
    : never
  : never;

/** An answer whose body is one value of a schema, all of them under `items`, or a page of a list. */
export interface NamedAnswer<Name extends SchemaName = SchemaName, Form extends "one" | "items" | "page" = "one"> {
  readonly description: string;
  readonly schema: Name;
  readonly form: Form;
}

/** An answer whose schema has no name. */
export interface InlineAnswer<Schema extends TSchema = TSchema> {
  readonly description: string;
  readonly schema: Schema;
  readonly form: "inline";
}

/** An answer that is a problem, or without a body. */
export interface PlainAnswer {
  readonly description: string;
  readonly form: "none";
}

/** The answer of an operation with one status. Schemas are named, not contained: the declarations of all operations stay small. */
export type AnswerSpec = NamedAnswer<SchemaName, "one" | "items" | "page"> | InlineAnswer | PlainAnswer;

/** Returns an answer of one value. */
export const answer = <const Name extends SchemaName>(schema: Name, description: string): NamedAnswer<Name> => ({
  description,
  schema,
  form: "one",
});

/** Returns an answer of all values of a list. */
export const items = <const Name extends SchemaName>(
  schema: Name,
  description: string,
): NamedAnswer<Name, "items"> => ({
  description,
  schema,
  form: "items",
});

/** Returns an answer of one page of a list. */
export const page = <const Name extends SchemaName>(schema: Name, description: string): NamedAnswer<Name, "page"> => ({
  description,
  schema,
  form: "page",
});

/** Returns an answer whose schema has no name. */
export const inline = <Schema extends TSchema>(schema: Schema, description: string): InlineAnswer<Schema> => ({
  description,
  schema,
  form: "inline",
});

/** Returns the answer of an error. `codes`: those that a client may handle, and when they come. */
export const refusal = (codes: string): PlainAnswer => ({ description: codes, form: "none" });

/** An operation of the API: what crosses the border between server and clients. The server's handlers are not part of it. */
export interface Operation<
  Verb extends Method,
  Path extends string,
  Params extends TProperties,
  Query extends TProperties,
  Body extends TSchema | undefined,
  Answers,
  Audited extends boolean,
> {
  readonly method: Verb;
  /** Parameters begin with a colon: `/v1/stacks/:stackId`. */
  readonly path: Path;
  /** Unique; clients are generated with it. The audit log names the action by it. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  /** Which permission it needs, and for what. */
  readonly access: RouteAccess;
  /** True if its handler writes the audit log before it acts or answers. */
  readonly audited: Audited;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The documented body where the handler, not the schema, validates it. */
  readonly describedBody?: TSchema;
  readonly example?: Example;
  /** By status. */
  readonly answers: Answers;
}

/** A request as a client may send it: the document of the API shows it, and tests send it. Missing: nothing is required. */
export interface Example<Query = Record<string, unknown>, Body = unknown> {
  readonly query?: { readonly [Name in keyof Query]?: string | number | boolean };
  readonly body?: Body;
}

/** Any operation. */
export type AnyOperation = Operation<
  Method,
  string,
  TProperties,
  TProperties,
  TSchema | undefined,
  Readonly<Record<number, AnswerSpec>>,
  boolean
>;

type Nothing = Record<never, never>;

/** The parts of an operation that may be omitted have their defaults: no parameters, no body, not audited. */
type Spec<Params, Query, Body, Answers, Audited> = RouteAccess & {
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly audited?: Audited;
  readonly params?: Params;
  readonly query?: Query;
  /** Rejects properties that are not listed, unless the schema allows them. */
  readonly body?: Body;
  /** The documented body where the handler, not the schema, validates it. */
  readonly describedBody?: TSchema;
  /** Needed where the query or the body has required fields. */
  readonly example?: Example<Query, Body extends TSchema ? View<Body> : undefined>;
  readonly answers: Answers;
};

/** Defines an operation. Server, clients, command line and documents read it; it contains no code. */
export function defineOperation<
  const Verb extends Method,
  const Path extends string,
  const Answers extends Readonly<Record<number, AnswerSpec>>,
  Params extends TProperties = Nothing,
  Query extends TProperties = Nothing,
  Body extends TSchema | undefined = undefined,
  const Audited extends boolean = false,
>(method: Verb, path: Path, spec: Spec<Params, Query, Body, Answers, Audited>) {
  const { permission, subject, audited = false, params = {}, query = {}, body, ...rest } = spec;
  const access = { permission, subject };
  return { ...rest, method, path, access, audited, params, query, body } as Operation<
    Verb,
    Path,
    Params,
    Query,
    Body,
    Answers,
    Audited
  >;
}

/** The method and path of an operation, as clients write it: `POST /v1/freezes`. */
export type WireOf<Of extends AnyOperation> = `${Of["method"]} ${Of["path"]}`;

/** The parameters in the path of an operation. */
export type ParamsOf<Of extends AnyOperation> = { readonly [Name in keyof Of["params"]]: string };

/** The body of an operation; undefined without one. */
export type BodyOf<Of extends AnyOperation> = Of["body"] extends infer Body extends TSchema ? View<Body> : undefined;

/** The statuses of an operation that are not errors. */
export type SuccessOf<Of extends AnyOperation> = {
  [Status in keyof Of["answers"] & number]: `${Status}` extends `2${string}` ? Status : never;
}[keyof Of["answers"] & number];

/** The body of a status: by default of the only success. */
export type AnswerOf<Of extends AnyOperation, Status extends keyof Of["answers"] = SuccessOf<Of>> =
  Of["answers"][Status] extends NamedAnswer<infer Name, infer Form>
    ? Form extends "one"
      ? Named<Name>
      : Form extends "items"
        ? { readonly items: readonly Named<Name>[] }
        : PageOf<Named<Name>>
    : Of["answers"][Status] extends InlineAnswer<infer Schema>
      ? View<Schema>
      : undefined;

/** A page of a list. Without a cursor it is the last. */
export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
  /** Rows in this part of the list that the server's store cannot read. Missing when all can be read. */
  readonly unreadable?: readonly { readonly id: string; readonly reason: string }[];
}

type FieldsOf<Of extends AnyOperation> = Of["params"] &
  Of["query"] &
  (Of["body"] extends TObject<infer Properties> ? Properties : Nothing);

/** The form of a field in a command line or a tool. */
export interface ShownField {
  readonly description?: string;
  readonly placeholder?: string;
  readonly short?: string;
  readonly completes?: string;
  readonly expected?: string;
}

/**
 * Returns the schema of a parameter or of a field of the body, with its limits, as an argument of a command or a tool. An
 * optional field stays optional.
 */
export function fieldOf<Of extends AnyOperation, Name extends keyof FieldsOf<Of> & string>(
  { params, query, body }: Of,
  name: Name,
  shown: ShownField = {},
): FieldsOf<Of>[Name] {
  const properties = body !== undefined && Type.IsObject(body) ? body.properties : {};
  const field = { ...params, ...query, ...properties }[name];
  if (field === undefined) throw new TypeError(`The operation has no field "${name}".`);
  const copy = { ...field, ...shown };
  // The mark of an optional field is not copied.
  return (Type.IsOptional(field) ? Type.Optional(copy) : copy) as FieldsOf<Of>[Name];
}
