import { StackyardError, type Store } from "@stackyard/core";
import type { RevealedSecret } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { maskReason } from "./mask-reason.ts";
import { loadStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the route that reveals one sensitive value of a stack to people. */
export function revealRoutes(deps: RouteDeps): readonly Route[] {
  const { store } = deps;
  return [
    serve(deps, operations.revealSecret, async ({ params: { stackId, key }, body }, { audit }) => {
      const reason = await maskReason(store, body.reason, { stackIds: [stackId] });
      return reply(200, await audit({ on: { stackId, key }, reason }, () => reveal(store, stackId, key)));
    }),
  ];
}

async function reveal(store: Store, stackId: string, key: string): Promise<RevealedSecret> {
  const { metadata, secretVersions = {} } = await loadStack(store, stackId);
  if (!Object.hasOwn(secretVersions, key) || !Object.hasOwn(metadata, key)) {
    throw new StackyardError("NOT_FOUND", `Stack "${stackId}" has no sensitive value "${key}".`);
  }
  return { stackId, key, value: metadata[key] ?? null };
}
