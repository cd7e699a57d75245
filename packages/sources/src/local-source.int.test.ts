import { chmodSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyLocalSource } from "./local-source.ts";
import { toChoice } from "./source-parts.ts";
import { aFolder, STATES, type TestFolder } from "./testing/a-folder.ts";

describe("copyLocalSource", () => {
  let folder: TestFolder;
  const copy = (location: string) => {
    const [baseDir, target] = [join(folder.path, "project"), join(folder.path, "target")];
    return copyLocalSource({ baseDir, location, target, ownDirs: [join(baseDir, "data")], choice: toChoice(STATES) });
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

  it("keeps what may be run (codalab/codalab-worksheets#727)", async () => {
    folder.write({ "project/net/run.sh": "#!/bin/sh" });
    chmodSync(join(folder.path, "project/net/run.sh"), 0o755);

    await copy("net");

    const modes = ["run.sh", "main.tf"].map((name) => statSync(join(folder.path, "target", name)).mode & 0o100);
    expect(modes).toEqual([0o100, 0]);
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

    await expect(copy(location)).rejects.toMatchObject({ fault: "outside" });
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

      await expect(copy(location)).rejects.toMatchObject({ fault: "refused" });
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

    await copyLocalSource({
      baseDir,
      location: "net",
      target,
      ownDirs: [folder.path, baseDir],
      choice: toChoice(STATES),
    });

    expect(folder.read("target")).toEqual({ "main.tf": "main", "mod/a.tf": "a" });
  });

  it("rejects links that go round", async () => {
    link("..", "net/mod/up");

    await expect(copy("net")).rejects.toThrow('The link "net/mod/up" leads to a folder that it is in itself.');
  });

  it("says that a source is not there", async () => {
    await expect(copy("nowhere")).rejects.toMatchObject({ fault: "missing" });
  });
});
