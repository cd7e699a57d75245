import { join } from "node:path";
import type { S3Source, SourceConfig } from "@stackyard/sources";
import { afterEach, describe, expect, it } from "vitest";
import { toSettings } from "../settings.ts";
import { aContext } from "../testing/a-context.ts";
import { aFolder } from "../testing/a-folder.ts";
import { LEFTOVERS, stageSource } from "./stage-source.ts";

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

function aProject() {
  const folder = aFolder({
    "project/net/main.tf": "m",
    "project/net/old.tfstate": "s",
    "project/net/.terraform/x": "",
  });
  endings.push(folder.remove);
  return folder;
}

const unreadable: S3Source = {
  list: (bucket) => {
    throw new Error(`${bucket} is closed`);
  },
  read: () => Promise.reject(new Error("closed")),
};

function stage(folder: ReturnType<typeof aFolder>, source: SourceConfig, ctx = aContext()) {
  const deps = {
    projectDir: join(folder.path, "project"),
    dataDir: folder.path,
    environment: {},
    s3: () => unreadable,
  };
  return stageSource(toSettings({}, deps), ctx, source, join(folder.path, "target"));
}

describe("a configuration", () => {
  it("is copied without what earlier runs have left", async () => {
    const folder = aProject();
    const ctx = aContext();

    const module = await stage(folder, { type: "local", location: "net" }, ctx);

    expect(module).toBe(join(folder.path, "target"));
    expect(folder.read("target")).toEqual({ "main.tf": "m" });
    expect(ctx.lines).toEqual(["Not copied from the source, as states, broken links or special files: old.tfstate"]);
  });

  it.each([
    ["terraform.tfstate", true],
    [".terraform.tfstate.lock.info", true],
    ["terraform.tfstate.17.backup", true],
    ["bucket.tfstate.tf", false],
    [".terraform.lock.hcl", false],
  ])("may not have the name of a state: %s, %s [terraform#15732]", (name, isState) => {
    expect(LEFTOVERS.isReported(name)).toBe(isState);
  });

  it.each<[string, SourceConfig, string, boolean]>([
    ["is nowhere", { type: "local", location: "none" }, "TERRAFORM_SOURCE_MISSING", false],
    ["is outside", { type: "local", location: "../other" }, "TERRAFORM_SOURCE_REFUSED", false],
    ["leaves its folder", { type: "local", location: "net//.." }, "TERRAFORM_SOURCE_REFUSED", false],
    ["cannot be read", { type: "s3", bucket: "b", key: "k" }, "TERRAFORM_SOURCE_UNREADABLE", true],
    [
      "needs a plugin",
      { type: "git", host: "github", repository: "acme/shop", commit: "a".repeat(40), trusted: true },
      "TERRAFORM_SOURCE_UNSUPPORTED",
      false,
    ],
  ])("that %s fails with its code", async (_, source, code, retryable) => {
    await expect(stage(aProject(), source)).rejects.toMatchObject({ step: { code, retryable } });
  });

  it("that is outside names the option, and one whose run was stopped is cancelled", async () => {
    const stopped = aContext({ signal: AbortSignal.abort() });

    await expect(stage(aProject(), { type: "local", location: "../other" })).rejects.toThrow("sourcesDir");
    await expect(stage(aProject(), { type: "s3", bucket: "b", key: "k" }, stopped)).rejects.toMatchObject({
      step: { code: "TERRAFORM_CANCELLED" },
    });
  });
});
