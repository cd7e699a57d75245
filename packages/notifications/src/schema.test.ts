import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NotificationsDocument } from "./notifications-document.ts";

describe("the schema of the document", () => {
  it("is what the package publishes, for editors", () => {
    const published = readFileSync(new URL("../schema/notifications.schema.json", import.meta.url), "utf8");
    const schema = { $schema: "http://json-schema.org/draft-07/schema#", ...NotificationsDocument };

    // When it differs, copy what the test prints, and let the formatter write it.
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(schema)));
    const { files } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(files).toContain("schema");
  });
});
