import { Type } from "typebox";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { pageQuery } from "./fields.ts";

const word = (description: string) => Type.String({ minLength: 1, maxLength: 256, description });
const account = Type.String({ pattern: "^[0-9]{12}$" });
const region = Type.String({ minLength: 1, maxLength: 64 });
const name = word("Of the artifact.");
const version = word("Of the artifact.");
const read = { permission: "read", subject: "yard", tag: "artifacts" } as const;
const announce = { permission: "operate", subject: "yard", audited: true, tag: "artifacts" } as const;
const notConfigured = { 404: refusal("NOT_CONFIGURED: the server does not know a distributor.") };

export const listArtifactCoverage = defineOperation("GET", "/v1/artifacts/coverage", {
  operationId: "listArtifactCoverage",
  ...read,
  summary: "List versions of build artifacts, and where each has arrived.",
  query: {
    name: Type.Optional(name),
    version: Type.Optional(version),
    account: Type.Optional(account),
    region: Type.Optional(region),
    ...pageQuery,
  },
  answers: { 200: page("ArtifactCoverage", "A page."), ...notConfigured },
});

export const listConsumers = defineOperation("GET", "/v1/consumers", {
  operationId: "listConsumers",
  ...read,
  summary: "List the consumers of build artifacts.",
  query: pageQuery,
  answers: { 200: page("ArtifactConsumer", "A page."), ...notConfigured },
});

export const refreshArtifact = defineOperation("POST", "/v1/artifacts/refresh", {
  operationId: "refreshArtifact",
  ...announce,
  summary: "Announce one version again with fresh URLs, to one consumer or to all that lack it.",
  body: Type.Object(
    { name, version, account: Type.Optional(account), region: Type.Optional(region) },
    { additionalProperties: false },
  ),
  example: { body: { name: "app", version: "1" } },
  answers: { 200: answer("ArtifactRefresh", "What was announced."), ...notConfigured },
});

export const replayArtifacts = defineOperation("POST", "/v1/artifacts/replay", {
  operationId: "replayArtifacts",
  ...announce,
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
  example: { body: { account: "111122223333", region: "eu-west-1" } },
  answers: { 200: answer("ArtifactReplay", "It was started."), ...notConfigured },
});
