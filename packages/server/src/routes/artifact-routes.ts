import { defined, StackyardError } from "@stackyard/core";
import { ArtifactConsumer, ArtifactCoverage, ArtifactRefresh, ArtifactReplay } from "@stackyard/core/api";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery } from "../schemas/event.ts";
import type { ArtifactsClient } from "../server-options.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes about the distribution of build artifacts, through the yard's distributor. */
export function artifactRoutes(deps: RouteDeps): readonly Route[] {
  return [coverageRoute(deps), consumersRoute(deps), refreshRoute(deps), replayRoute(deps)];
}

const word = (description: string) => Type.String({ minLength: 1, maxLength: 256, description });
const account = Type.String({ pattern: "^[0-9]{12}$" });
const region = Type.String({ minLength: 1, maxLength: 64 });
const name = word("Of the artifact.");
const version = word("Of the artifact.");
const notConfigured = { 404: { description: "NOT_CONFIGURED: the server does not know a distributor." } };

function coverageRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/artifacts/coverage", {
    operationId: "listArtifactCoverage",
    permission: "read",
    subject: "yard",
    tag: "artifacts",
    summary: "List versions of build artifacts, and where each has arrived.",
    query: {
      name: Type.Optional(name),
      version: Type.Optional(version),
      account: Type.Optional(account),
      region: Type.Optional(region),
      ...pageQuery,
    },
    answers: { 200: { description: "A page.", schema: pageOf(ArtifactCoverage) }, ...notConfigured },
    async handle({ query }) {
      const { rows, cursor } = await openArtifacts(deps).coverage(defined(query));
      return json(200, { items: rows, ...defined({ cursor }) });
    },
  });
}

function consumersRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/consumers", {
    operationId: "listConsumers",
    permission: "read",
    subject: "yard",
    tag: "artifacts",
    summary: "List the consumers of build artifacts.",
    query: pageQuery,
    answers: { 200: { description: "A page.", schema: pageOf(ArtifactConsumer) }, ...notConfigured },
    handle: async ({ query }) => json(200, await openArtifacts(deps).consumers(defined(query))),
  });
}

function refreshRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/artifacts/refresh", {
    operationId: "refreshArtifact",
    audited: true,
    permission: "operate",
    subject: "yard",
    tag: "artifacts",
    summary: "Announce one version again with fresh URLs, to one consumer or to all that lack it.",
    body: Type.Object(
      { name, version, account: Type.Optional(account), region: Type.Optional(region) },
      { additionalProperties: false },
    ),
    answers: { 200: { description: "What was announced.", schema: ArtifactRefresh }, ...notConfigured },
    async handle({ body }, { sender }) {
      const client = openArtifacts(deps);
      const reason = Object.values(body).join(" ");
      const action = { action: "refreshArtifact", who: sender, via: "api", on: {}, reason };
      return json(200, await deps.audit.run(action, () => client.refresh(defined(body))));
    },
  });
}

function replayRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/artifacts/replay", {
    operationId: "replayArtifacts",
    audited: true,
    permission: "operate",
    subject: "yard",
    tag: "artifacts",
    summary: "Announce everything again that a consumer should have.",
    body: Type.Object(
      {
        account,
        region,
        since: Type.Optional(Type.String({ format: "date-time", description: "Published since then." })),
        artifact: Type.Optional(word("Only of this name.")),
      },
      { additionalProperties: false },
    ),
    answers: { 200: { description: "It was started.", schema: ArtifactReplay }, ...notConfigured },
    async handle({ body }, { sender }) {
      const client = openArtifacts(deps);
      const reason = Object.values(body).join(" ");
      const action = { action: "replayArtifacts", who: sender, via: "api", on: {}, reason };
      return json(200, await deps.audit.run(action, () => client.replay(defined(body))));
    },
  });
}

function openArtifacts({ artifacts }: RouteDeps): ArtifactsClient {
  if (artifacts !== undefined) return artifacts;
  throw new StackyardError("NOT_CONFIGURED", "No distributor of build artifacts is configured.", {
    details: { hint: "Set STACKYARD_DISTRIBUTOR to the name or ARN of its function, and start the server again." },
  });
}
