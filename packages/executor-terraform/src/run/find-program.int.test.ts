import { chmodSync } from "node:fs";
import { join } from "node:path";
import { defined } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import { findProgram } from "./find-program.ts";

describe("findProgram", () => {
  let folder: TestFolder;
  const install = (path: string, text: string) => {
    folder.write({ [path]: text });
    chmodSync(join(folder.path, path), 0o755);
  };
  const tofu = (version: string) =>
    `#!/bin/sh\necho called >> ${folder.path}/calls\necho 'OpenTofu v${version}'\necho 'on linux_amd64'\n`;
  const find = (binary: string, version?: string) => {
    const environment = { PATH: `${folder.path}/none::${folder.path}/bin:/bin` };
    return findProgram({ binaries: [binary], environment, ...defined({ version }) }, {});
  };

  beforeEach(() => {
    folder = aFolder({ "bin/readme": "not executable" });
  });
  afterEach(() => folder.remove());

  it("finds a name in PATH and uses an absolute path unchanged", async () => {
    install("bin/tofu", tofu("1.9.0"));

    const program = { path: join(folder.path, "bin/tofu"), product: "opentofu", version: "1.9.0" };
    expect(await find("tofu")).toEqual(program);
    expect(await find(program.path)).toEqual(program);
  });

  it.each(["tofu", "readme", "/nowhere/terraform", ".."])("does not take %s for a program", async (binary) => {
    await expect(find(binary)).rejects.toMatchObject({ step: { code: "TERRAFORM_NOT_FOUND", retryable: false } });
  });

  it("reads the version once, and again when the file has changed", async () => {
    install("bin/tofu", tofu("1.9.0"));
    await find("tofu", "~> 1.9.0");
    await find("tofu", "~> 1.9.0");
    install("bin/tofu", tofu("1.10.0-rc1"));

    await expect(find("tofu", "~> 1.9.0")).rejects.toThrow("is version 1.10.0-rc1; allowed is ~> 1.9.0");

    expect(folder.read(".")["calls"]).toBe("called\ncalled\n");
  });

  it("names the version of a program that is too old, whatever the task allows", async () => {
    install("bin/terraform", "#!/bin/sh\necho 'Terraform v0.11.14'\n");

    await expect(find("terraform")).rejects.toThrow(/bin\/terraform" is version 0\.11\.14; allowed is >= 1\.0\./);
  });

  it("says that a program does not report its version", async () => {
    install("bin/tofu", "#!/bin/sh\nexit 1\n");

    await expect(find("tofu", ">= 1")).rejects.toMatchObject({ step: { code: "TERRAFORM_VERSION_MISMATCH" } });
  });

  describe("with several programs", () => {
    const choose = (choice: { binary?: string; version?: string }, version?: string) => {
      const binaries = ["terraform", "tofu", join(folder.path, "old/terraform")];
      const environment = { PATH: `${folder.path}/bin:/bin` };
      return findProgram({ binaries, environment, ...defined({ version }) }, choice).then(({ path }) =>
        path.slice(folder.path.length + 1),
      );
    };

    beforeEach(() => {
      install("bin/terraform", "#!/bin/sh\necho Terraform v1.11.4\n");
      install("bin/tofu", tofu("1.10.0"));
      install("old/terraform", "#!/bin/sh\necho Terraform v1.9.8\n");
    });

    it.each([
      [{}, undefined, "bin/terraform"],
      [{ binary: "tofu" }, undefined, "bin/tofu"],
      [{ version: "< 1.11" }, undefined, "bin/tofu"],
      [{ binary: "terraform", version: "~> 1.9.0" }, undefined, "old/terraform"],
      [{ version: "< 1.11" }, "< 1.10", "old/terraform"],
    ])("takes the first that fits %j and the option %j", async (choice, option, path) => {
      expect(await choose(choice, option)).toBe(path);
    });

    it("names all that were found when none fits", async () => {
      await expect(choose({ binary: "terraform", version: ">= 2" })).rejects.toMatchObject({
        code: "TERRAFORM_VERSION_MISMATCH",
        message: expect.stringMatching(/bin\/terraform" is version 1\.11\.4.*old\/terraform" is version 1\.9\.8/),
      });
    });

    it("refuses a program that the project does not list, and a version that is not a constraint", async () => {
      await expect(choose({ binary: "/bin/sh" })).rejects.toMatchObject({ code: "TERRAFORM_NOT_FOUND" });
      await expect(choose({ version: "new" })).rejects.toMatchObject({ code: "TERRAFORM_VERSION_MISMATCH" });
    });
  });
});
