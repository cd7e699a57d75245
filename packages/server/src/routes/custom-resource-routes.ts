import { CUSTOM_RESOURCE_RUNS, parseStackArn, StackyardError } from "@stackyard/core";
import { CustomResourceRun } from "@stackyard/core/api";
import type { StoredRecord } from "@stackyard/core/engine";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

const validator = Compile(CustomResourceRun);

const notConfigured = "NOT_CONFIGURED: the server does not know the table of the custom resource.";

/** Defines the requests of CloudFormation to resources of the type `Custom::ECSTask`, as their function has recorded them. */
export function customResourceRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), getRoute(deps)];
}

function listRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/custom-resources", {
    operationId: "listCustomResourceRuns",
    permission: "read",
    subject: "yard",
    tag: "runs",
    summary:
      "List requests of CloudFormation to resources of the type `Custom::ECSTask`, the newest first. They are kept for 30 days.",
    query: pageQuery,
    answers: {
      200: { description: "A page.", schema: pageOf(CustomResourceRun) },
      404: { description: notConfigured },
    },
    async handle({ query }) {
      const input = { ...pageInput(query), now: deps.clock.now() };
      const page = await openRecords(deps).list(CUSTOM_RESOURCE_RUNS, input);
      return json(200, toPage(page, { toView: toRun, toId: ({ key }) => key }));
    },
  });
}

function getRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/custom-resources/:id", {
    operationId: "getCustomResourceRun",
    permission: "read",
    subject: "yard",
    tag: "runs",
    summary: "Get a request of CloudFormation to a resource of the type `Custom::ECSTask`.",
    params: { id: Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$" }) },
    answers: {
      200: { description: "The request.", schema: CustomResourceRun },
      404: { description: `NOT_FOUND, or ${notConfigured}` },
    },
    async handle({ params: { id } }) {
      const record = await openRecords(deps).get(`${CUSTOM_RESOURCE_RUNS}${id}`, deps.clock.now());
      if (record === undefined) throw new StackyardError("NOT_FOUND", `The request "${id}" is unknown.`);
      return json(200, toRun(record));
    },
  });
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
