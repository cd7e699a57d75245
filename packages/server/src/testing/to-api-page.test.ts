import { describe, expect, it } from "vitest";
import { toApiPage } from "./to-api-page.ts";

const LIMIT = { name: "limit", in: "query", required: false, schema: { type: "integer", description: "Most items." } };
const GONE = { description: "GONE: it is not there any more." };

function anOperation(parameters: readonly (typeof LIMIT)[]) {
  const responses = { 410: GONE, default: { description: "A problem." } };
  return { operationId: "x", tags: ["stacks"], summary: "Does it.", parameters, responses };
}

function aPage(operations: Readonly<Record<string, ReturnType<typeof anOperation>>>): string {
  const paths = Object.fromEntries(Object.entries(operations).map(([path, operation]) => [path, { get: operation }]));
  return toApiPage({ paths, components: { schemas: {} } });
}

describe("toApiPage", () => {
  it("describes once what two operations have, and names it in both", () => {
    const page = aPage({ "/a": anOperation([LIMIT]), "/b": anOperation([LIMIT]) });

    expect(page.split("Most items.")).toHaveLength(2);
    expect(page.split("it is not there any more")).toHaveLength(2);
    expect(page.split("- Query: `limit`\n- Shared answers: 410")).toHaveLength(3);
  });

  it("describes a parameter at its operation when another of that name is shared", () => {
    const other = { ...LIMIT, schema: { type: "integer", description: "Most bytes." } };

    const page = aPage({ "/a": anOperation([LIMIT]), "/b": anOperation([LIMIT]), "/c": anOperation([other]) });

    expect(page.slice(page.indexOf("### GET `/c`"))).toContain("- `limit`: integer. Most bytes.");
  });
});
