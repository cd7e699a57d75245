import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { StackyardError } from "@stackyard/core";
import type { SourceArchives, SourceCommit } from "@stackyard/core/services";
import { findSlowStep } from "@stackyard/core/testing";
import { type TarEntry, toTarball } from "@stackyard/host-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copySource } from "./copy-source.ts";
import type { GitSourceConfig } from "./definition.ts";
import { aContext } from "./testing/a-context.ts";
import { aFolder, STATES, type TestFolder } from "./testing/a-folder.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const source: GitSourceConfig = { type: "git", host: "github", repository: "acme/shop", commit: COMMIT, trusted: true };

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

describe("a source of the type git", () => {
  let folder: TestFolder;
  let target: string;
  const copyFor = (ctx: ReturnType<typeof aContext>, over: Partial<GitSourceConfig> = {}) => {
    rmSync(target, { recursive: true, force: true });
    return copySource(ctx, { ...source, ...over }, { target, baseDir: folder.path, leftovers: STATES });
  };
  const copy = (archives: SourceArchives | undefined, over: Partial<GitSourceConfig> = {}) =>
    copyFor(aContext({ archives }), over);
  const list = () =>
    readdirSync(target, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
      .sort();

  beforeEach(() => {
    folder = aFolder();
    target = join(folder.path, "target");
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

    expect(failure).toMatchObject({ fault: "refused" });
    expect(existsSync(join(folder.path, "escaped.tf"))).toBe(false);
  });

  it("keeps what may be run, and nothing that is of another user or runs as one (Parchive/par2cmdline#139)", async () => {
    const modes = [
      { path: "run.sh", mode: 0o755 },
      { path: "rooted.sh", mode: 0o4755 },
      { path: "read.me", mode: 0o644, uid: 1001 },
    ];

    await copy(anArchive(modes));

    const { uid } = statSync(folder.path);
    expect(
      modes.map(({ path }) => statSync(join(target, path))).map((found) => [found.mode & 0o7100, found.uid]),
    ).toEqual([
      [0o100, uid],
      [0o100, uid],
      [0, uid],
    ]);
  });

  it("leaves out what is elsewhere, links too", async () => {
    await copy(anArchive([...files, { path: "docs/latest", linkTo: "../../.." }]), { path: "infra/net" });

    expect(list()).toEqual(["main.tf"]);
  });

  it("refuses more files than a source may have", async () => {
    // One that is written again counts again.
    const many = Array.from({ length: 10_001 }, () => ({ path: "infra/app/a.tf" }));

    await expect(copy(anArchive(many), { path: "infra/app" })).rejects.toMatchObject({
      fault: "refused",
      message: expect.stringContaining("more than 10000 files"),
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

    await expect(copied).rejects.toMatchObject({ fault: "unreadable" });
  });

  it("refuses an archive that was cut in a file of zeros, which look like its end", async () => {
    const unpacked = gunzipSync(
      pack([
        { path: "a.tf", content: "a" },
        { path: "b.bin", content: "\0".repeat(4_096) },
      ]),
    );

    const copied = copy(toArchives(gzipSync(unpacked.subarray(0, 1024 + 512 + 2_048))));

    await expect(copied).rejects.toMatchObject({ fault: "unreadable" });
  });

  it("refuses the archive of another commit", async () => {
    await copy(toArchives(pack(files, COMMIT)));

    const copied = copy(toArchives(pack(files, "f".repeat(40))));

    await expect(copied).rejects.toThrow(`The archive is of the commit ${"f".repeat(40)}.`);
  });

  it("fails when a file cannot be written, instead of leaving it out [compress-tools-rs#142]", async () => {
    const below = { path: "README.md/main.tf", content: "x" };

    await expect(copy(anArchive([...files, below]))).rejects.toMatchObject({
      fault: "unreadable",
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

    await copyFor(ctx, { path: "infra/app" });

    expect(ctx.reports).toEqual([
      "Not copied from the source, as states, broken links or special files: old.tfstate",
      '.gitattributes has "filter=lfs": the files that it names are not included, only their pointers.',
      'infra/.gitattributes has "export-ignore": the files that it names are missing in the source, as if they had been removed.',
      "The repository has submodules, which are not included in the source.",
    ]);
  });

  it("reads no attributes of more than a megabyte, which the author of an untrusted commit may have made", async () => {
    const content = `*.tf export-ignore\n${"#".repeat(1024 * 1024)}`;
    const ctx = aContext({ archives: anArchive([{ path: ".gitattributes", content }, { path: "main.tf" }]) });

    await copyFor(ctx);

    expect(ctx.reports).toEqual([]);
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

    await copyFor(ctx);

    expect(ctx.reports.length).toBe(10);
  });

  it("copies a file whose name only contains that of a state [terraform#15732]", async () => {
    await copy(anArchive([{ path: "bucket.tfstate.tf" }, { path: "terraform.tfstate.17.backup" }]));

    expect(list()).toEqual(["bucket.tfstate.tf"]);
  });

  const failing = (error: Error): SourceArchives => ({ open: () => Promise.reject(error) });
  it.each<[string, SourceArchives | undefined, string]>([
    ["no plugin for code hosts", undefined, "unsupported"],
    ["an unknown host", failing(new StackyardError("CONFIG_INVALID", "Unknown.")), "unsupported"],
    ["an unknown commit", { open: async () => undefined }, "missing"],
    ["a folder that the commit does not have", anArchive([{ path: "README.md" }]), "missing"],
    ["a host that does not answer", failing(new Error("503")), "unreadable"],
    ["something that is not an archive", { open: async () => new Blob(["Not Found"]).stream() }, "unreadable"],
  ])("fails for %s", async (_, archives, fault) => {
    await expect(copy(archives, { path: "infra/app" })).rejects.toMatchObject({ fault });
  });
});
