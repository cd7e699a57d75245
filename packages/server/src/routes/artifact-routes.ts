import { defined, StackyardError } from "@stackyard/core";
import * as operations from "@stackyard/core/api/operations";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import type { ArtifactsClient } from "../server-options.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes about the distribution of build artifacts, through the yard's distributor. */
export function artifactRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listArtifactCoverage, async ({ query }) => {
      const { rows, cursor } = await openArtifacts(deps).coverage(defined(query));
      return reply(200, { items: rows, ...defined({ cursor }) });
    }),
    serve(deps, operations.listConsumers, async ({ query }) =>
      reply(200, await openArtifacts(deps).consumers(defined(query))),
    ),
    serve(deps, operations.refreshArtifact, async ({ body }, { audit }) => {
      const client = openArtifacts(deps);
      const reason = Object.values(body).join(" ");
      return reply(200, await audit({ on: {}, reason }, () => client.refresh(defined(body))));
    }),
    serve(deps, operations.replayArtifacts, async ({ body }, { audit }) => {
      const client = openArtifacts(deps);
      const reason = Object.values(body).join(" ");
      return reply(200, await audit({ on: {}, reason }, () => client.replay(defined(body))));
    }),
  ];
}

function openArtifacts({ artifacts }: RouteDeps): ArtifactsClient {
  if (artifacts !== undefined) return artifacts;
  throw new StackyardError("NOT_CONFIGURED", "No distributor of build artifacts is configured.", {
    details: { hint: "Set STACKYARD_DISTRIBUTOR to the name or ARN of its function, and start the server again." },
  });
}
