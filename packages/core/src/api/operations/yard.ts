import { Type } from "typebox";
import { CauseKind } from "../cause.ts";
import { answer, defineOperation, inline, items, page, refusal } from "./define-operation.ts";
import { pageQuery } from "./fields.ts";

const open = { permission: "public", subject: "none", tag: "health" } as const;
const read = { permission: "read", subject: "yard", tag: "health" } as const;

export const getLiveness = defineOperation("GET", "/health/live", {
  operationId: "getLiveness",
  ...open,
  summary: "Check that the process is alive.",
  answers: { 200: inline(Type.Object({ status: Type.Literal("ok") }), "The process is alive.") },
});

export const getServerProof = defineOperation("GET", "/v1/proof", {
  operationId: "getServerProof",
  ...open,
  summary:
    "Prove that the server knows the token of its data folder, before a program on the same machine sends that token.",
  query: { challenge: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$", description: "32 random bytes in base64url." }) },
  example: { query: { challenge: "a".repeat(43) } },
  answers: {
    200: inline(
      Type.Object({ proof: Type.String({ description: "HMAC-SHA256 in base64url." }) }),
      "The HMAC of the challenge and the port under the token.",
    ),
    404: refusal("NOT_FOUND: the server does not use the token of a data folder."),
  },
});

export const getYard = defineOperation("GET", "/v1/yard", {
  operationId: "getYard",
  ...read,
  summary: "Get the name and statistics of the yard, and the names of AWS accounts.",
  answers: { 200: answer("YardInfo", "Counts.") },
});

export const listProcesses = defineOperation("GET", "/v1/processes", {
  operationId: "listProcesses",
  ...read,
  summary:
    "List servers and workers in the order in which they started. A dead process is listed as gone for 10 minutes.",
  query: pageQuery,
  answers: { 200: page("YardProcess", "A page.") },
});

export const listServices = defineOperation("GET", "/v1/services", {
  operationId: "listServices",
  ...read,
  summary: "List the services of plugins, and why the last work of one failed.",
  answers: { 200: items("Service", "All services.") },
});

export const listCauses = defineOperation("GET", "/v1/causes", {
  operationId: "listCauses",
  permission: "read",
  subject: "list",
  tag: "stacks",
  summary:
    "Count failed tasks, last failures of degraded stacks, parked events or dead letters by task, event and code, the most frequent first. At most 20,000 are counted.",
  query: { kind: CauseKind, ...pageQuery },
  example: { query: { kind: "parked" } },
  answers: { 200: answer("CausePage", "A page.") },
});
