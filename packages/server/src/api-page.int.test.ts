import { join } from "node:path";
import { expect, it } from "vitest";
import { createTestYard } from "./testing/test-yard.ts";
import { type ApiDocument, toApiPage } from "./testing/to-api-page.ts";

const page = join(import.meta.dirname, "../../../docs/http-api.md");

// After a change of the API: `npm run generate`.
it("matches docs/http-api.md and docs/openapi.json", async () => {
  const yard = createTestYard();

  const document: ApiDocument = await yard.json("/openapi.json");

  await yard.stop();
  await expect(toApiPage(document)).toMatchFileSnapshot(page);
  await expect(toFile(document)).toMatchFileSnapshot(page.replace("http-api.md", "openapi.json"));
});

/** Returns the document without the version of the yard of this test: /v1 only grows. */
function toFile(document: ApiDocument): string {
  const text = JSON.stringify(document, null, 1);
  return `${text.replace(/"version": "[^"]+"/, '"version": "1"')}\n`;
}
