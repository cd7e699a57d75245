import type { ExecutorDefinition } from "@stackyard/core";
import { defined } from "@stackyard/core";
import type { ExecutorDetails } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { approvalDefinition } from "@stackyard/core/machine";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageByName, pageInput } from "./to-page.ts";

/** Defines the list of executors that machines may use. */
export function executorRoutes(deps: RouteDeps): readonly Route[] {
  const known = new Map<string, ExecutorDefinition>([[approvalDefinition.name, approvalDefinition], ...deps.executors]);
  const listed = [...known.values()].map(toExecutorDetails);
  return [serve(deps, operations.listExecutors, async ({ query }) => reply(200, pageByName(listed, pageInput(query))))];
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
