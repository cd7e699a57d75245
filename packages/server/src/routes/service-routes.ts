import { Service } from "@stackyard/core/api";
import type { ServiceState } from "@stackyard/core/services";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes for the plugin services that the server runs. */
export function serviceRoutes({ runner }: RouteDeps): readonly Route[] {
  return [
    defineRoute("GET", "/v1/services", {
      operationId: "listServices",
      permission: "read",
      subject: "yard",
      tag: "health",
      summary: "List the services of plugins, and why the last work of one failed.",
      answers: {
        200: { description: "All services.", schema: Type.Object({ items: Type.Array(Service) }) },
      },
      handle: async () => json(200, { items: (await runner.list()).map(toService) }),
    }),
  ];
}

function toService({ name, failure }: ServiceState): Service {
  if (failure === undefined) return { name };
  const { count, firstAt, lastAt, message } = failure;
  return { name, failure: { count, firstAt: toInstant(firstAt), lastAt: toInstant(lastAt), message } };
}
