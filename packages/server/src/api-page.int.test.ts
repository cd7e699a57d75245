import { join } from "node:path";
import { expect, it } from "vitest";
import { createTestYard } from "./testing/test-yard.ts";
import { type ApiDocument, toApiPage } from "./testing/to-api-page.ts";

const page = join(import.meta.dirname, "../../../docs/http-api.md");

// After a change of the API: `npm run generate`.
it("matches docs/http-api.md", async () => {
  const yard = createTestYard();

  const document: ApiDocument = await yard.json("/openapi.json");

  await yard.stop();
  await expect(toApiPage(document)).toMatchFileSnapshot(page);
});
