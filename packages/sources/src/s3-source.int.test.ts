import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyS3Source, loadSdkS3Source } from "./s3-source.ts";
import { toChoice } from "./source-parts.ts";
import { aContext } from "./testing/a-context.ts";
import { aFolder, STATES, type TestFolder } from "./testing/a-folder.ts";
import { type S3Server, startS3Server } from "./testing/s3-server.ts";

const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`many/f${index}.tf`, "x"]));

describe("copyS3Source, with the SDK's client", () => {
  let folder: TestFolder;
  let server: S3Server;
  let leftOut: readonly string[];

  beforeEach(async () => {
    folder = aFolder();
    mkdirSync(join(folder.path, "target"));
    server = await startS3Server({
      "a/ecs-old/main.tf": "old",
      "a/ecs.tf": "sibling",
      "a/ecs/": "",
      "a/ecs/main.tf": "main",
      "a/ecs/mod/x/y.tf": "y",
      "a/ecs/empty.tf": "",
      "a/ecs/terraform.tfstate": "s",
      "a/ecs/.terraform/z": "z",
      "up/../x.tf": "x",
      "double//x.tf": "x",
      ...many,
    });
  });
  afterEach(async () => {
    await server.close();
    folder.remove();
  });

  const copy = async (key: string, given: { bucket?: string; signal?: AbortSignal } = {}) => {
    const ctx = aContext({ aws: () => server.client as never });
    const target = join(folder.path, "target");
    const input = { bucket: "sources", signal: ctx.signal, ...given, key, target, choice: toChoice(STATES) };
    leftOut = await copyS3Source(await loadSdkS3Source(ctx), input);
    return folder.read("target");
  };

  it.each(["a/ecs", "a/ecs/"])("takes %s as a folder, with sub-folders and without siblings", async (key) => {
    expect(await copy(key)).toEqual({ "empty.tf": "", "main.tf": "main", "mod/x/y.tf": "y" });
    expect(leftOut).toEqual(["terraform.tfstate"]);
  });

  it("refuses an object of which a part was read, or that has changed since it was listed [skbn#11]", async () => {
    server.served["a/ecs/mod/x/y.tf"] = "";

    await expect(copy("a/ecs")).rejects.toMatchObject({
      fault: "unreadable",
      message: expect.stringContaining("with 1 bytes, and 0 were read"),
    });
  });

  it("refuses a list that ends without its last page", async () => {
    server.isCut = true;

    await expect(copy("many")).rejects.toMatchObject({ fault: "unreadable" });
  });

  it("takes the exact object under its base name", async () => {
    expect(await copy("a/ecs/main.tf")).toEqual({ "main.tf": "main" });
    expect(server.listed).toEqual(["a/ecs/main.tf"]);
  });

  it("reads all pages", async () => {
    expect(Object.keys(await copy("many"))).toHaveLength(1001);
    expect(server.listed.filter((prefix) => prefix === "many/")).toHaveLength(2);
  });

  it.each(["nothing", "a/ec", "a/ecs/empty.tf"])("reports a missing %s", async (key) => {
    await expect(copy(key)).rejects.toMatchObject({ fault: "missing" });
  });

  it.each(["up", "double"])("rejects keys that are not valid paths, as in %s", async (key) => {
    await expect(copy(key)).rejects.toMatchObject({ fault: "refused" });
    expect(folder.read("target")).toEqual({});
  });

  it("reports the error of S3", async () => {
    await expect(copy("a", { bucket: "other" })).rejects.toMatchObject({
      fault: "unreadable",
      message: "s3://other/a cannot be read: NoSuchBucket: The bucket does not exist",
    });
  });

  it("stops when the run is stopped", async () => {
    const signal = AbortSignal.abort("cancel");

    await expect(copy("a/ecs", { signal })).rejects.toMatchObject({ fault: "cancelled" });
  });
});
