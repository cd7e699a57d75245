import * as core from "@stackyard/core/api/operations";
import { expect, it } from "vitest";
import { createTestYard } from "./testing/test-yard.ts";

/** Operations that the server alone defines, and why: what crosses the border is no JSON of one schema. */
const BY_HAND: Readonly<Record<string, string>> = {
  exportAudit: "The answer is a stream of lines.",
  getAttemptLog: "The answer is text.",
  getFullAttemptLog: "The answer is text, or the part of it that a header names.",
  getMachineGraph: "The answer has one of four formats.",
  getMetrics: "The answer is text in the format of Prometheus.",
  getOpenApi: "The answer describes the routes.",
  getReadiness: "The server is not ready: an answer, not an error.",
  getStackBundle: "The answer is a stream, of JSON or of a page.",
  getTerraformStateVersion: "The answer is what Terraform has written, byte for byte.",
  openStream: "The answer stays open.",
  watchHistory: "The answer stays open.",
};

it("defines operations in core, except those whose answer is no JSON of one schema", async () => {
  const declared = Object.values(core).flatMap((each) =>
    typeof each === "object" && "operationId" in each ? [each.operationId] : [],
  );

  // The document does not list itself.
  const documented = [...(await listDocumented()), "getOpenApi"];
  expect([...declared, ...Object.keys(BY_HAND)].sort()).toEqual(documented.sort());
});

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}

async function listDocumented(): Promise<readonly string[]> {
  const yard = createTestYard();
  const { paths } = await yard.json<Document>("/openapi.json");
  await yard.stop();
  return Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
}
