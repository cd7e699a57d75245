import { CUSTOM_RESOURCE_RUNS, parseStackArn, StackyardError } from "@stackyard/core";
import { CustomResourceRun } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { StoredRecord } from "@stackyard/core/engine";
import { Compile } from "typebox/compile";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

const validator = Compile(CustomResourceRun);

/** Defines the requests of CloudFormation to resources of the type `Custom::ECSTask`, as their function has recorded them. */
export function customResourceRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listCustomResourceRuns, async ({ query }) => {
      const input = { ...pageInput(query), now: deps.clock.now() };
      const page = await openRecords(deps).list(CUSTOM_RESOURCE_RUNS, input);
      return reply(200, toPage(page, { toView: toRun, toId: ({ key }) => key }));
    }),
    serve(deps, operations.getCustomResourceRun, async ({ params: { id } }) => {
      const record = await openRecords(deps).get(`${CUSTOM_RESOURCE_RUNS}${id}`, deps.clock.now());
      if (record === undefined) throw new StackyardError("NOT_FOUND", `The request "${id}" is unknown.`);
      return reply(200, toRun(record));
    }),
  ];
}

function openRecords({ customResources }: RouteDeps) {
  if (customResources !== undefined) return customResources;
  throw new StackyardError(
    "NOT_CONFIGURED",
    "No table of the custom resource is configured. Set `customResources` in stackyard.config.ts.",
  );
}

function toRun({ key, value }: StoredRecord): CustomResourceRun {
  if (validator.Check(value)) {
    // The request itself names no person: CloudFormation sends only the stack on whose behalf it asks.
    const { stackId: arn } = value;
    return { ...value, startedBy: { kind: "cloudformation", arn, ...parseStackArn(arn) } };
  }
  throw new StackyardError("STORE_CORRUPT", `The record "${key}" is not a request of CloudFormation.`);
}
