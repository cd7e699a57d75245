import type { Service } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { ServiceState } from "@stackyard/core/services";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes for the plugin services that the server runs. */
export function serviceRoutes(deps: RouteDeps): readonly Route[] {
  const { runner } = deps;
  return [
    serve(deps, operations.listServices, async () => reply(200, { items: (await runner.list()).map(toService) })),
  ];
}

function toService({ name, failure }: ServiceState): Service {
  if (failure === undefined) return { name };
  const { count, firstAt, lastAt, message } = failure;
  return { name, failure: { count, firstAt: toInstant(firstAt), lastAt: toInstant(lastAt), message } };
}
