import { defined } from "@stackyard/core";
import * as api from "@stackyard/core/api";
import type { Example } from "@stackyard/core/api/operations";
import { EventMessage } from "@stackyard/core/machine";
import { type Static, type TProperties, type TSchema, Type } from "typebox";
import { ProblemDetails } from "./problem.ts";
import type { Route, RouteAnswer } from "./route.ts";

/** Schemas under their names in the OpenAPI document. */
export const namedSchemas = {
  Approval: api.Approval,
  ApiToken: api.ApiToken,
  ArtifactConsumer: api.ArtifactConsumer,
  ArtifactCoverage: api.ArtifactCoverage,
  Attempt: api.Attempt,
  AuditHead: api.AuditHead,
  AuditLine: api.AuditLine,
  Bulk: api.Bulk,
  BulkItem: api.BulkItem,
  BulkPlan: api.BulkPlan,
  Cause: api.Cause,
  EventMessage,
  ExecutorDetails: api.ExecutorDetails,
  HistoryEntry: api.HistoryEntry,
  ListedParkedEvent: api.ListedParkedEvent,
  MachineDetails: api.MachineDetails,
  MachineGraph: api.MachineGraph,
  MachineProblem: api.MachineProblem,
  MachineSource: api.MachineSource,
  MachineSummary: api.MachineSummary,
  Me: api.Me,
  Metadata: api.Metadata,
  NewApiToken: api.NewApiToken,
  OperationAnswer: api.OperationAnswer,
  Orphan: api.Orphan,
  OrphanCheck: api.OrphanCheck,
  ParkedEvent: api.ParkedEvent,
  Preview: api.Preview,
  PublishAnswer: api.PublishAnswer,
  PublishResult: api.PublishResult,
  CustomResourceRun: api.CustomResourceRun,
  ReleasePlace: api.ReleasePlace,
  RevealedSecret: api.RevealedSecret,
  Job: api.Job,
  JobReport: api.JobReport,
  Session: api.Session,
  DeadLetter: api.DeadLetter,
  SimulationLine: api.SimulationLine,
  StackAt: api.StackAt,
  StackBundle: api.StackBundle,
  StackDetails: api.StackDetails,
  StackPreview: api.StackPreview,
  StackCommits: api.StackCommits,
  StackSnapshot: api.StackSnapshot,
  StackSummary: api.StackSummary,
  StateVersion: api.StateVersion,
  UnsavedRun: api.UnsavedRun,
  TerraformState: api.TerraformState,
  UpgradePlan: api.UpgradePlan,
  UpgradeResult: api.UpgradeResult,
  Wait: api.Wait,
  YardInfo: api.YardInfo,
  YardProcess: api.YardProcess,
};

/** The types of the API's JSON, by their names in the OpenAPI document: for clients that are checked against it. */
export type ApiAnswers = { readonly [Name in keyof typeof namedSchemas]: Static<(typeof namedSchemas)[Name]> };

type Json = Readonly<Record<string, unknown>>;

/** The metadata of the document. */
interface OpenApiInput {
  readonly version: string;
  readonly routes: readonly Route[];
  /** Schemas with a name; each use becomes a reference. */
  readonly schemas: Readonly<Record<string, TSchema>>;
}

/** Returns the OpenAPI 3.1 document, generated from the schemas that validate requests. */
export function toOpenApi({ version, routes, schemas }: OpenApiInput): Json {
  const named = { ...schemas, ProblemDetails };
  const names = toNames(named);
  const components = Object.entries(named).map(([name, schema]) => [name, toChildren(schema, names)]);
  return {
    openapi: "3.1.0",
    info: {
      title: "Stackyard",
      version,
      description: "The HTTP API of a yard. Every error is a problem (RFC 9457) with a `code`.",
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths: toPaths(routes, names),
    components: {
      schemas: Object.fromEntries(components),
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
    },
  };
}

/** The name of a schema, where it has one. */
type Names = (value: unknown) => string | undefined;

/** Maps schemas and their properties to names: a schema that is made optional is a copy that shares the properties. */
function toNames(named: Readonly<Record<string, TSchema>>): Names {
  const bySchema = new Map<unknown, string>();
  const byProperties = new Map<unknown, string>();
  for (const [name, schema] of Object.entries(named)) {
    bySchema.set(schema, name);
    if ("properties" in schema) byProperties.set(schema.properties, name);
  }
  return (value) => {
    const isObject = typeof value === "object" && value !== null && "properties" in value;
    return bySchema.get(value) ?? (isObject ? byProperties.get(value.properties) : undefined);
  };
}

function toPaths(routes: readonly Route[], names: Names): Json {
  const paths = new Map<string, Record<string, unknown>>();
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths.set(path, { ...paths.get(path), [route.method.toLowerCase()]: toOperation(route, names) });
  }
  return Object.fromEntries(paths);
}

function toOperation(route: Route, names: Names): Json {
  const { operationId, tag, summary, access, params, query, example = {}, describedBody: body = route.body } = route;
  const answers = route.audited === true ? { ...route.answers, 503: UNRECORDED } : route.answers;
  const responses = Object.entries(answers).map(([status, answer]) => [
    status,
    toResponse(Number(status), answer, names),
  ]);
  return {
    operationId,
    tags: [tag],
    summary,
    ...(access.permission === "public" ? { security: [] } : {}),
    "x-stackyard-permission": access.permission,
    parameters: [...toParameters("path", params, names), ...toParameters("query", query, names, example.query)],
    ...defined({ requestBody: body && toRequestBody(body, example.body, names) }),
    responses: { ...Object.fromEntries(responses), default: toResponse(500, { description: "A problem." }, names) },
  };
}

function toRequestBody(body: TSchema, example: unknown, names: Names): Json {
  const content = { schema: toSchema(body, names), ...defined({ example }) };
  return { required: true, content: { "application/json": content } };
}

const UNRECORDED: RouteAnswer = {
  description: "STORE_UNAVAILABLE: the audit log cannot be written, so nothing was done. Try again.",
};

function toParameters(
  place: "path" | "query",
  properties: TProperties,
  names: Names,
  example: Example["query"] = {},
): readonly Json[] {
  const required = new Set((Type.Object(properties) as { readonly required?: readonly string[] }).required);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: required.has(name),
    schema: toSchema(schema, names),
    ...defined({ example: example[name] }),
  }));
}

function toResponse(status: number, answer: RouteAnswer, names: Names): Json {
  const { description, schema, mediaType } = answer;
  if (mediaType !== undefined) return { description, content: { [mediaType]: { schema: { type: "string" } } } };
  if (status >= 400) {
    return { description, content: { "application/problem+json": { schema: toSchema(ProblemDetails, names) } } };
  }
  if (schema === undefined) return { description };
  return { description, content: { "application/json": { schema: toSchema(schema, names) } } };
}

function toSchema(value: unknown, names: Names): unknown {
  const name = names(value);
  return name === undefined ? toChildren(value, names) : { $ref: `#/components/schemas/${name}` };
}

function toChildren(value: unknown, names: Names): unknown {
  if (Array.isArray(value)) return value.map((item) => toSchema(item, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, toSchema(child, names)]));
}
