import type { ExecutorDefinition } from "@stackyard/core";
import { defined } from "@stackyard/core";
import { ExecutorDetails } from "@stackyard/core/api";
import { approvalDefinition } from "@stackyard/core/machine";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageByName, pageInput } from "./to-page.ts";

/** Defines the list of executors that machines may use. */
export function executorRoutes({ executors }: RouteDeps): readonly Route[] {
  const known = new Map<string, ExecutorDefinition>([[approvalDefinition.name, approvalDefinition], ...executors]);
  const listed = [...known.values()].map(toExecutorDetails);
  return [
    defineRoute("GET", "/v1/executors", {
      operationId: "listExecutors",
      permission: "read",
      subject: "list",
      tag: "machines",
      summary: "List the executors that the server knows, by name, with the schemas of their configs and outputs.",
      query: pageQuery,
      answers: { 200: { description: "A page.", schema: pageOf(ExecutorDetails) } },
      handle: async ({ query }) => json(200, pageByName(listed, pageInput(query))),
    }),
  ];
}

function toExecutorDetails({ name, resumable, config, outputs, documentSchemas }: ExecutorDefinition): ExecutorDetails {
  // A document of version 1 cannot have an executor that needs version 2.
  const documents = documentSchemas && {
    v1: toJson(documentSchemas.v1 ?? { not: {} }),
    v2: toJson(documentSchemas.v2),
  };
  return { name, resumable, config: toJson(config), ...defined({ outputs: outputs && toJson(outputs), documents }) };
}

/** Returns the schema as JSON, without keywords that only code uses. */
function toJson(schema: object): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(schema));
}
