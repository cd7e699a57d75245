import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import { type S3Server, startS3Server } from "../testing/s3-server.ts";
import { copyLocalSource, copyS3Source, loadSdkS3Source } from "./sources.ts";

describe("copyLocalSource", () => {
  let folder: TestFolder;
  const copy = (location: string) => {
    const [baseDir, target] = [join(folder.path, "project"), join(folder.path, "target")];
    return copyLocalSource({ baseDir, location, target, leaveOut: [join(baseDir, "data")] });
  };
  const link = (to: string, name: string) => symlinkSync(to, join(folder.path, "project", name));

  beforeEach(() => {
    folder = aFolder({ "project/net/main.tf": "main", "project/net/mod/a.tf": "a", "outside/secret": "s" });
    mkdirSync(join(folder.path, "target"));
  });
  afterEach(() => folder.remove());

  it("copies the contents of a folder", async () => {
    await copy("./net/");

    expect(folder.read("target")).toEqual({ "main.tf": "main", "mod/a.tf": "a" });
  });

  it("copies one file under its name", async () => {
    await copy("net/main.tf");

    expect(folder.read("target")).toEqual({ "main.tf": "main" });
  });

  it("leaves out what an earlier run left, but not the lock file", async () => {
    folder.write({
      "project/net/.terraform/x": "",
      "project/net/terraform.tfstate": "",
      "project/net/terraform.tfstate.backup": "",
      "project/net/.terraform.tfstate.lock.info": "",
      "project/net/.terraform.lock.hcl": "l",
      "project/.stackyard/runs/x": "",
      "project/data/x": "",
    });

    const leftOut = await copy(".");

    expect(leftOut).toEqual([
      "net/.terraform.tfstate.lock.info",
      "net/terraform.tfstate",
      "net/terraform.tfstate.backup",
    ]);
    expect(Object.keys(folder.read("target/net"))).toEqual([".terraform.lock.hcl", "main.tf", "mod/a.tf"]);
    expect(folder.read("target")).not.toHaveProperty("data/x");
  });

  it("copies a file whose name only contains that of a state [terraform#15732]", async () => {
    folder.write({ "project/net/bucket.tfstate.tf": "b", "project/net/envs.tfstate/a.tf": "a" });

    expect(await copy("net")).toEqual([]);
    expect(folder.read("target")).toMatchObject({ "bucket.tfstate.tf": "b", "envs.tfstate/a.tf": "a" });
  });

  it("follows links inside the base folder, and skips dangling links", async () => {
    folder.write({ "project/common/common.tf": "c" });
    link("../common", "net/common");
    link("../common/common.tf", "net/common.tf");
    link("user@host:1", "net/.#main.tf");

    expect(await copy("net")).toEqual([".#main.tf"]);
    expect(folder.read("target")).toEqual({
      "common.tf": "c",
      "common/common.tf": "c",
      "main.tf": "main",
      "mod/a.tf": "a",
    });
  });

  it.each(["../outside", "/etc", "net/../../outside", "out", "net/out"])("rejects to leave by %s", async (location) => {
    link("../outside", "out");
    link("../../outside", "net/out");

    await expect(copy(location)).rejects.toMatchObject({
      step: { code: "TERRAFORM_SOURCE_REFUSED", retryable: false },
    });
  });

  it("rejects a folder in which a link leaves", async () => {
    link("../../outside/secret", "net/secret.tf");

    await expect(copy("net")).rejects.toThrow('"net/secret.tf" leads out of the folder');
  });

  it.each([
    ["the folder", "../data"],
    ["a folder in it", "../data/deep"],
    ["a file in it", "../data/token"],
    ["another link to it", "../alias"],
  ])("rejects a link to %s that is the runner's own", async (_, to) => {
    folder.write({ "project/data/token": "secret", "project/data/deep/stackyard.db": "secret" });
    link("data", "alias");
    link(to, "net/mine");

    await expect(copy("net")).rejects.toThrow('"net/mine" leads into a folder of the runner itself');
    expect(folder.read("target")).not.toHaveProperty("mine");
  });

  it.each(["data", "data/deep", "data/token", "alias"])(
    "refuses the runner's own folder as a source: %s",
    async (location) => {
      folder.write({ "project/data/token": "secret", "project/data/deep/stackyard.db": "secret" });
      link("data", "alias");

      await expect(copy(location)).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_REFUSED" } });
    },
  );

  it("knows the runner's own folder also where that is a link itself", async () => {
    folder.write({ "project/real/token": "secret" });
    link("real", "data");
    link("../real/token", "net/token");

    await expect(copy("net")).rejects.toThrow('"net/token" leads into a folder of the runner itself');
  });

  it("accepts a project inside one of the runner's folders, such as that for temporary files", async () => {
    const [baseDir, target] = [join(folder.path, "project"), join(folder.path, "target")];

    await copyLocalSource({ baseDir, location: "net", target, leaveOut: [folder.path, baseDir] });

    expect(folder.read("target")).toEqual({ "main.tf": "main", "mod/a.tf": "a" });
  });

  it("rejects links that go round", async () => {
    link("..", "net/mod/up");

    await expect(copy("net")).rejects.toThrow('The link "net/mod/up" leads to a folder that it is in itself.');
  });

  it("says that a source is not there", async () => {
    await expect(copy("nowhere")).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_MISSING" } });
  });
});

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
    const input = { bucket: "sources", signal: ctx.signal, ...given, key, target };
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
      step: { code: "TERRAFORM_SOURCE_UNREADABLE", message: expect.stringContaining("with 1 bytes, and 0 were read") },
    });
  });

  it("refuses a list that ends without its last page", async () => {
    server.isCut = true;

    await expect(copy("many")).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_UNREADABLE" } });
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
    await expect(copy(key)).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_MISSING", retryable: false } });
  });

  it.each(["up", "double"])("rejects keys that are not valid paths, as in %s", async (key) => {
    await expect(copy(key)).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_REFUSED" } });
    expect(folder.read("target")).toEqual({});
  });

  it("reports the error of S3", async () => {
    await expect(copy("a", { bucket: "other" })).rejects.toMatchObject({
      step: {
        code: "TERRAFORM_SOURCE_UNREADABLE",
        retryable: true,
        message: "s3://other/a cannot be read: NoSuchBucket: The bucket does not exist",
      },
    });
  });

  it("stops when the run is stopped", async () => {
    const signal = AbortSignal.abort("cancel");

    await expect(copy("a/ecs", { signal })).rejects.toMatchObject({ step: { code: "TERRAFORM_CANCELLED" } });
  });
});
