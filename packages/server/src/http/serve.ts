import { defined, isMap } from "@stackyard/core";
import type { AuditedAction, AuditWriter } from "@stackyard/core/access";
import * as schemas from "@stackyard/core/api";
import type { AnswerOf, AnswerSpec, AnyOperation, SchemaName, SuccessOf } from "@stackyard/core/api/operations";
import { type Static, type TObject, type TSchema, Type } from "typebox";
import type { Cursors, CursorUse } from "./cursors.ts";
import { defineRoute, json, type Route, type RouteAnswer, type RouteContext } from "./route.ts";

/** The reply of an operation's handler: one of its successful statuses, with the body that belongs to it. */
export type ReplyOf<Of extends AnyOperation> = {
  readonly [Status in SuccessOf<Of>]: Reply<Status, AnswerOf<Of, Status>>;
}[SuccessOf<Of>];

interface Reply<Status extends number, Value> {
  readonly status: Status;
  readonly value: Value;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns what a handler answers. */
export function reply<const Status extends number, Value>(
  status: Status,
  value: Value,
  headers: Readonly<Record<string, string>> = {},
): Reply<Status, Value> {
  return { status, value, headers };
}

/** Returns what a handler answers for each id of a list: 207 when some were not found, for senders that look at the status only. */
export function replyEach<Value extends { readonly unknown: readonly string[] }>(
  value: Value,
): Reply<200 | 207, Value> {
  return reply(value.unknown.length === 0 ? 200 : 207, value);
}

/** The input of an operation, parsed. */
interface InputOf<Of extends AnyOperation> {
  readonly params: { readonly [Name in keyof Of["params"]]: string };
  readonly query: Static<TObject<Of["query"]>>;
  readonly body: Of["body"] extends infer Body extends TSchema ? Static<Body> : undefined;
}

/** Runs a call between two lines of the audit log, which names the action by the id of the operation. */
type Audit = <Result>(action: Pick<AuditedAction, "on" | "reason">, call: () => Promise<Result>) => Promise<Result>;

/** The context of a handler. Only that of an audited operation can write the audit log. */
type ContextOf<Of extends AnyOperation> = Of["audited"] extends true
  ? RouteContext & { readonly audit: Audit }
  : RouteContext;

/** What each route of an operation needs. */
export interface ServeDeps {
  readonly audit: AuditWriter;
  readonly cursors: Cursors;
}

/**
 * Returns the route of an operation. The handler's answer is checked against the operation by its type. Handlers of lists take
 * and return places; the cursors that callers see are made of them here, for every list.
 */
export function serve<const Of extends AnyOperation>(
  { audit, cursors }: ServeDeps,
  operation: Of,
  handle: (input: InputOf<Of>, context: ContextOf<Of>) => Promise<ReplyOf<Of>>,
): Route {
  const { method, path, access, answers, body, describedBody, example, operationId, ...spec } = operation;
  const answered = Object.entries(answers).map(([status, each]) => [status, toRouteAnswer(each)]);
  // The route parses its input by the very schemas of which the handler's types are made.
  const run = handle as Handler;
  const call = isList(operation) ? withCursors(cursors, operationId, run) : run;
  return defineRoute(method, path, {
    ...spec,
    ...access,
    operationId,
    ...(body !== undefined && { body }),
    ...(describedBody !== undefined && { describedBody }),
    ...(example !== undefined && { example }),
    answers: Object.fromEntries(answered),
    async handle(input, context) {
      const write: Audit = (action, call) =>
        audit.run({ action: operationId, via: "api", who: context.sender, ...action }, call);
      const { status, value, headers } = await call(input, { ...context, audit: write });
      return json(status, value, headers);
    },
  });
}

interface ParsedInput {
  readonly params: object;
  readonly query: object;
  readonly body: unknown;
}

type Handler = (
  input: ParsedInput,
  context: RouteContext & { readonly audit: Audit },
) => Promise<Reply<number, unknown>>;

/** Returns true for an operation that takes a cursor: in its query or, where a press moves a page, in its body. */
export function isList({ query, body }: Pick<AnyOperation, "query" | "body">): boolean {
  return "cursor" in query || isBodyList(body);
}

function isBodyList(body: TSchema | undefined): boolean {
  return body !== undefined && Type.IsObject(body) && "cursor" in body.properties;
}

/** Opens the cursor of a request, and seals that of its answer. */
function withCursors(cursors: Cursors, operationId: string, handle: Handler): Handler {
  return async (input, context) => {
    const {
      cursor: ofQuery,
      limit: _,
      ...query
    } = input.query as { readonly cursor?: string; readonly limit?: number };
    const { sender } = context.caller;
    // The body of a press says what is done with each item, not which are listed.
    const use: CursorUse = { operationId, filter: { ...query, ...input.params }, caller: sender };
    const place = ofQuery === undefined ? undefined : await cursors.open(use, ofQuery);
    const body = await openBody(cursors, use, input.body);
    const opened = { ...input, query: { ...input.query, ...defined({ cursor: place }) }, body };
    const answered = await handle(opened, context);
    return { ...answered, value: await sealAnswer(cursors, use, answered.value) };
  };
}

async function openBody(cursors: Cursors, use: CursorUse, body: unknown): Promise<unknown> {
  if (!isMap(body) || typeof body["cursor"] !== "string") return body;
  return { ...body, cursor: await cursors.open(use, body["cursor"]) };
}

async function sealAnswer(cursors: Cursors, use: CursorUse, value: unknown): Promise<unknown> {
  if (!isMap(value) || typeof value["cursor"] !== "string") return value;
  return { ...value, cursor: await cursors.seal(use, value["cursor"]) };
}

const byName: Readonly<Record<SchemaName, TSchema>> = schemas;

function toRouteAnswer({ description, ...answer }: AnswerSpec): RouteAnswer {
  if (answer.form === "none") return { description };
  if (answer.form === "inline") return { description, schema: answer.schema };
  const schema = byName[answer.schema];
  if (answer.form === "one") return { description, schema };
  return {
    description,
    schema: answer.form === "items" ? Type.Object({ items: Type.Array(schema) }) : schemas.pageOf(schema),
  };
}
