import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findBinary } from "./settings.ts";
import { aFolder, type TestFolder } from "./testing/a-folder.ts";

describe("findBinary", () => {
  let folder: TestFolder;
  const install = (path: string, text: string) => {
    folder.write({ [path]: text });
    chmodSync(join(folder.path, path), 0o755);
  };
  const tofu = (version: string) =>
    `#!/bin/sh\necho called >> ${folder.path}/calls\necho '{"terraform_version":"${version}"}'\n`;
  const find = (binary: string, version?: string) => {
    const environment = { PATH: `${folder.path}/none::${folder.path}/bin:/bin` };
    return findBinary({ binary, environment, ...(version === undefined ? {} : { version }) });
  };

  beforeEach(() => {
    folder = aFolder({ "bin/readme": "not executable" });
  });
  afterEach(() => folder.remove());

  it("finds a name in PATH and uses an absolute path unchanged", async () => {
    install("bin/tofu", tofu("1.9.0"));

    expect(await find("tofu")).toBe(join(folder.path, "bin/tofu"));
    expect(await find(join(folder.path, "bin/tofu"))).toBe(join(folder.path, "bin/tofu"));
    expect(folder.read("bin")).not.toHaveProperty("calls");
  });

  it.each(["tofu", "readme", "/nowhere/terraform", ".."])("does not take %s for a program", async (binary) => {
    await expect(find(binary)).rejects.toMatchObject({ step: { code: "TERRAFORM_NOT_FOUND", retryable: false } });
  });

  it("reads the version once, and again when the file has changed", async () => {
    install("bin/tofu", tofu("1.9.0"));
    await find("tofu", "~> 1.9.0");
    await find("tofu", "~> 1.9.0");
    install("bin/tofu", tofu("1.10.0-rc1"));

    await expect(find("tofu", "~> 1.9.0")).rejects.toThrow(
      'is version 1.10.0-rc1; the option "version" allows ~> 1.9.0',
    );

    expect(folder.read(".")["calls"]).toBe("called\ncalled\n");
  });

  it("says that a program does not report its version", async () => {
    install("bin/tofu", "#!/bin/sh\nexit 1\n");

    await expect(find("tofu", ">= 1")).rejects.toMatchObject({ step: { code: "TERRAFORM_VERSION_MISMATCH" } });
  });
});
