import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfigFile } from "./job-commands.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("loadConfigFile", () => {
  it("reads an object relative to the command's folder", async () => {
    writeFileSync(join(folder, "run.json"), '{"cluster": "main"}');

    expect(await loadConfigFile(folder, "run.json")).toEqual({ cluster: "main" });
  });

  it("is empty where no file is named", async () => {
    expect(await loadConfigFile(folder, undefined)).toEqual({});
  });

  it.each([
    ["text", "cluster: main", /^"run\.json" is not valid JSON: /],
    ["a list", "[]", /^"run\.json" does not contain a JSON object\.$/],
    ["null", "null", /^"run\.json" does not contain a JSON object\.$/],
  ])("rejects %s", async (_what, content, message) => {
    writeFileSync(join(folder, "run.json"), content);

    await expect(loadConfigFile(folder, "run.json")).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });
  });

  it("lets the error of a file fly that is not there", async () => {
    await expect(loadConfigFile(folder, "other.json")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
