import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { StackyardError } from "@stackyard/core";
import type { SourceArchives, SourceCommit } from "@stackyard/core/services";
import { findSlowStep } from "@stackyard/core/testing";
import { type TarEntry, toTarball } from "@stackyard/host-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GitSource, TerraformOptions } from "../definition.ts";
import { aContext } from "../testing/a-context.ts";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import { aProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { startStateServer } from "../testing/state-server.ts";
import { copyGitSource } from "./git-source.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const source: GitSource = { type: "git", host: "github", repository: "acme/shop", commit: COMMIT, trusted: true };

/** Archives as a host sends them: everything is in one folder. */
function anArchive(entries: readonly TarEntry[], asked: SourceCommit[] = []): SourceArchives {
  return toArchives(pack(entries), asked);
}

function pack(entries: readonly TarEntry[], commit?: string): Uint8Array {
  return toTarball(
    entries.map((entry) => ({ ...entry, path: `acme-shop-0123456/${entry.path}` })),
    commit,
  );
}

function toArchives(bytes: Uint8Array, asked: SourceCommit[] = []): SourceArchives {
  return {
    async open(commit) {
      asked.push(commit);
      return new Blob([Buffer.from(bytes)]).stream();
    },
  };
}

const files = [
  { path: "README.md", content: "# Shop" },
  { path: "infra/app/main.tf", content: 'module "net" { source = "../net" }' },
  { path: "infra/app/.terraform.lock.hcl", content: "# locked" },
  { path: "infra/app/old.tfstate", content: "{}" },
  { path: "infra/net/main.tf", content: "" },
];

describe("copyGitSource", () => {
  let folder: TestFolder;
  let target: string;
  const copy = (archives: SourceArchives | undefined, over: Partial<GitSource> = {}, given = {}) =>
    copyGitSource(aContext({ archives, ...given }), { ...source, ...over }, target);
  const list = () =>
    readdirSync(target, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
      .sort();

  beforeEach(() => {
    folder = aFolder();
    target = join(folder.path, "target");
    mkdirSync(target);
  });
  afterEach(() => folder.remove());

  it.each<[string | undefined, readonly string[]]>([
    [undefined, ["README.md", "infra/app/.terraform.lock.hcl", "infra/app/main.tf", "infra/net/main.tf"]],
    ["infra/app", [".terraform.lock.hcl", "main.tf"]],
    ["infra//app", ["app/.terraform.lock.hcl", "app/main.tf", "net/main.tf"]],
  ])("copies of the path %s these files, without states", async (path, expected) => {
    const asked: SourceCommit[] = [];

    await copy(anArchive(files, asked), path === undefined ? {} : { path });

    expect(list()).toEqual(expected);
    expect(asked).toEqual([{ host: "github", repository: "acme/shop", commit: COMMIT }]);
  });

  it.each<[string, TarEntry]>([
    ["a link", { path: "infra/app/link.tf", linkTo: "/etc/passwd" }],
    ["a file above the folder", { path: "infra/app/../../../../escaped.tf", content: "x" }],
  ])("refuses %s", async (_, entry) => {
    const failure = await copy(anArchive([...files, entry]), { path: "infra/app" }).catch((error: unknown) => error);

    expect(failure).toMatchObject({ step: { code: "TERRAFORM_SOURCE_REFUSED", retryable: false } });
    expect(existsSync(join(folder.path, "escaped.tf"))).toBe(false);
  });

  it("leaves out what is elsewhere, links too", async () => {
    await copy(anArchive([...files, { path: "docs/latest", linkTo: "../../.." }]), { path: "infra/net" });

    expect(list()).toEqual(["main.tf"]);
  });

  it("refuses more files than a source may have", async () => {
    // One that is written again counts again.
    const many = Array.from({ length: 10_001 }, () => ({ path: "infra/app/a.tf" }));

    await expect(copy(anArchive(many), { path: "infra/app" })).rejects.toMatchObject({
      step: { code: "TERRAFORM_SOURCE_REFUSED", message: expect.stringContaining("more than 10000 files") },
    });
  });

  it.each<[string, number]>([
    ["behind a file, before the end of the archive", 1024],
    ["in the middle of a file", 1024 + 512 + 20],
    ["in a header", 1024 + 100],
    ["in the middle of its end", -512],
  ])("refuses an archive that was cut %s [Oxen#867, bob#636]", async (_, end) => {
    const unpacked = gunzipSync(
      pack([
        { path: "a.tf", content: "a" },
        { path: "b.tf", content: "b".repeat(2_000) },
      ]),
    );

    const copied = copy(toArchives(gzipSync(unpacked.subarray(0, end))));

    await expect(copied).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_UNREADABLE", retryable: true } });
  });

  it("refuses an archive that was cut in a file of zeros, which look like its end", async () => {
    const unpacked = gunzipSync(
      pack([
        { path: "a.tf", content: "a" },
        { path: "b.bin", content: "\0".repeat(4_096) },
      ]),
    );

    const copied = copy(toArchives(gzipSync(unpacked.subarray(0, 1024 + 512 + 2_048))));

    await expect(copied).rejects.toMatchObject({ step: { code: "TERRAFORM_SOURCE_UNREADABLE" } });
  });

  it("refuses the archive of another commit", async () => {
    await copy(toArchives(pack(files, COMMIT)));

    const copied = copy(toArchives(pack(files, "f".repeat(40))));

    await expect(copied).rejects.toThrow(`The archive is of the commit ${"f".repeat(40)}.`);
  });

  it("fails when a file cannot be written, instead of leaving it out [compress-tools-rs#142]", async () => {
    const below = { path: "README.md/main.tf", content: "x" };

    await expect(copy(anArchive([...files, below]))).rejects.toMatchObject({
      step: { code: "TERRAFORM_SOURCE_UNREADABLE" },
    });
  });

  it("says what the archive lacks [woocommerce-blocks#4725]", async () => {
    const ctx = aContext({
      archives: anArchive([
        { path: ".gitattributes", content: "# export-ignore\n*.bin filter=lfs diff=lfs\n" },
        { path: "infra/.gitattributes", content: "db.tf export-ignore\n" },
        { path: ".gitmodules", content: "" },
        ...files,
      ]),
    });

    await copyGitSource(ctx, { ...source, path: "infra/app" }, target);

    expect(ctx.lines).toEqual([
      "Not copied from the source, as states, broken links or special files: old.tfstate",
      '.gitattributes has "filter=lfs": the files that it names are not included, only their pointers.',
      'infra/.gitattributes has "export-ignore": the files that it names are missing in the source, and what they declare counts as removed.',
      "The repository has submodules, which are not included in the source.",
    ]);
  });

  it("reads no attributes of more than a megabyte, which the author of an untrusted commit may have made", async () => {
    const content = `*.tf export-ignore\n${"#".repeat(1024 * 1024)}`;
    const ctx = aContext({ archives: anArchive([{ path: ".gitattributes", content }, { path: "main.tf" }]) });

    await copyGitSource(ctx, source, target);

    expect(ctx.lines).toEqual([]);
  });

  it.each(["\n", " ", "#\n", "export-ignore# "])(
    "reads attributes that are a run of %j in linear time",
    async (piece) => {
      const slow = await findSlowStep(
        (chars) => piece.repeat(chars / piece.length - 1),
        (content) => copy(anArchive([{ path: "docs/.gitattributes", content }, { path: "main.tf" }])),
      );

      expect(slow).toBeUndefined();
    },
  );

  it("reads no more than a megabyte of attributes in all files together, and names a few of them", async () => {
    const many = Array.from({ length: 40 }, (_, index) => ({
      path: `d${index}/.gitattributes`,
      content: `a export-ignore\n${"#".repeat(1024 * 100)}`,
    }));
    const ctx = aContext({ archives: anArchive([...many, { path: "main.tf" }]) });

    await copyGitSource(ctx, source, target);

    expect(ctx.lines.length).toBe(10);
  });

  it("copies a file whose name only contains that of a state [terraform#15732]", async () => {
    await copy(anArchive([{ path: "bucket.tfstate.tf" }, { path: "terraform.tfstate.17.backup" }]));

    expect(list()).toEqual(["bucket.tfstate.tf"]);
  });

  const failing = (error: Error): SourceArchives => ({ open: () => Promise.reject(error) });
  it.each<[string, SourceArchives | undefined, string]>([
    ["no plugin for code hosts", undefined, "TERRAFORM_SOURCE_UNSUPPORTED"],
    ["an unknown host", failing(new StackyardError("CONFIG_INVALID", "Unknown.")), "TERRAFORM_SOURCE_UNSUPPORTED"],
    ["an unknown commit", { open: async () => undefined }, "TERRAFORM_SOURCE_MISSING"],
    ["a folder that the commit does not have", anArchive([{ path: "README.md" }]), "TERRAFORM_SOURCE_MISSING"],
    ["a host that does not answer", failing(new Error("503")), "TERRAFORM_SOURCE_UNREADABLE"],
    [
      "something that is not an archive",
      { open: async () => new Blob(["Not Found"]).stream() },
      "TERRAFORM_SOURCE_UNREADABLE",
    ],
  ])("fails for %s", async (_, archives, code) => {
    await expect(copy(archives, { path: "infra/app" })).rejects.toMatchObject({ step: { code } });
  });
});

const main = `
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "tr '\\\\0' '\\\\n' < /proc/$$/environ | grep -E '^(HOME|REGISTRY|APP_KEY|STACKYARD|AWS_ACC|AWS_PRO|AWS_CON|AWS_WEB|AWS_ROLE)' | sort" }
}
output "made" { value = terraform_data.a.id != "" }
`;

describe.skipIf(!hasTerraform())("a run of a commit", () => {
  const target = { account: "111122223333", region: "eu-central-1", partition: "aws", role: "preview" };
  const credentials = async () => ({ accessKeyId: "ASIATARGET", secretAccessKey: "s" });
  const environment = {
    ...runnerEnvironment(),
    REGISTRY_TOKEN: "t",
    APP_KEY: "k",
    STACKYARD_SEAL_KEY: "k",
    AWS_PROFILE: "runner",
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/runner",
  };

  it("that is not trusted needs the option and a role, and sees nothing of the runner", async () => {
    const server = await startStateServer();
    const project = aProject({}, { environment });
    const archives = anArchive([{ path: "infra/main.tf", content: main }]);
    const ctx = aContext({ stateBackendUrl: server.url, archives, credentials, target });
    const start = (context: typeof ctx, untrusted?: TerraformOptions["untrusted"], trusted = false) =>
      project.start(
        context,
        { source: { ...source, path: "infra", trusted } },
        { passEnvironment: ["REGISTRY_*"], ...(untrusted && { untrusted }) },
      );

    const byDefault = await start(ctx);
    const withoutRole = await start(aContext({ archives }), "allow");
    const allowed = await start(ctx, "allow");

    expect(byDefault).toMatchObject({
      code: "TERRAFORM_SOURCE_REFUSED",
      message: expect.stringContaining("is not trusted"),
    });
    expect(withoutRole).toMatchObject({ code: "TERRAFORM_SOURCE_REFUSED", message: expect.stringContaining("role") });
    expect(allowed).toMatchObject({ kind: "succeeded", outputs: { made: true } });
    const seen = ctx.lines.filter((line) => line.includes("(local-exec): ") && line.includes("="));
    expect(seen.map((line) => line.split(": ")[1])).toEqual([
      "AWS_ACCESS_KEY_ID=***",
      `AWS_CONFIG_FILE=${devNull}`,
      expect.stringMatching(`^HOME=${project.workDir}/`),
      // The mark by which a program that outlives its starter is found again.
      expect.stringMatching(/^STACKYARD_PROGRAM=[0-9a-f-]{36}$/),
    ]);
    expect([...server.states.keys()]).toEqual(["/state/review-app/pr-12/git%3Agithub/acme/shop%3Ainfra"]);
    await server.close();
    project.remove();
  });
});
