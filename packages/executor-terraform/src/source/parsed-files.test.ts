import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import { findModuleFacts } from "./module-facts.ts";
import { createParsedFiles } from "./parsed-files.ts";

describe("files that are parsed", () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = aFolder({ "a.tf": "a".repeat(60), "b.tf": "b".repeat(40), "c.auto.tfvars": "c" });
  });
  afterEach(() => folder.remove());

  it("share a budget, and the first beyond it is named", async () => {
    const files = createParsedFiles(100);

    expect(await files.read(folder.path, "a.tf")).toHaveLength(60);
    expect(await files.read(folder.path, "b.tf")).toHaveLength(40);
    await expect(files.read(folder.path, "c.auto.tfvars")).rejects.toMatchObject({
      code: "TERRAFORM_SOURCE_REFUSED",
      message: expect.stringContaining('"c.auto.tfvars"'),
    });
  });

  it("are refused by name when their words would fill the memory", () => {
    const many = { name: "many.tf", text: "a\n".repeat(300_000) };

    expect(() => findModuleFacts([{ name: "main.tf", text: "" }, many])).toThrow('"many.tf" has too many words');
  });
});
