import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NotificationsDocument } from "./notifications-document.ts";

describe("the schema of the document", () => {
  it("is what the package publishes, for editors", async () => {
    const schema = { $schema: "http://json-schema.org/draft-07/schema#", ...NotificationsDocument };
    const json = JSON.stringify(schema, null, 2);
    // As the formatter wants it: lists of texts on one line.
    const published = json.replaceAll(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, items: string) => {
      return `[${items.replaceAll(/\s+/g, " ")}]`;
    });

    await expect(`${published}\n`).toMatchFileSnapshot("../schema/notifications.schema.json");
    const { files } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(files).toContain("schema");
  });
});
