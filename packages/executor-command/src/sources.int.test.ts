import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Executor, ExecutorContext } from "@stackyard/core";
import { SOURCE_ARCHIVES, type SourceArchives } from "@stackyard/core/services";
import type { TestContextInput } from "@stackyard/core/testing";
import { type TarEntry, toTarball } from "@stackyard/host-sim";
import { buildApp } from "fauxqs";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { begunCommands } from "./attempt-record.ts";
import { createCommandExecutor } from "./command.ts";
import { ALLOW_ALL, type CommandConfig, type CommandOptions } from "./definition.ts";
import { aContext, aProject, PROGRAMS, type TestProject } from "./testing/a-project.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

function project(programs: Readonly<Record<string, string>> = {}): TestProject {
  const made = aProject(programs);
  endings.push(made.remove);
  return made;
}

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const git = { type: "git", host: "github", repository: "acme/tools", commit: COMMIT, trusted: true } as const;
const local = { type: "local", location: "tools" } as const;

const FILES: readonly TarEntry[] = [
  { path: "db/run.sh", content: '#!/bin/sh\npwd; cat data.txt; echo "$1"\n', mode: 0o755 },
  { path: "db/data.txt", content: "from the commit\n" },
];

/** What a host sends for a commit, and how often it was asked. */
function archivesOf(entries: readonly TarEntry[] = FILES, commit = COMMIT) {
  const asked: unknown[] = [];
  const bytes = toTarball(
    entries.map((entry) => ({ ...entry, path: `acme-tools-0123456/${entry.path}` })),
    commit,
  );
  const archives: SourceArchives = {
    async open(source) {
      asked.push(source);
      return new Blob([Buffer.from(bytes)]).stream();
    },
  };
  return { archives, asked };
}

function context(archives: SourceArchives | undefined, given: TestContextInput = {}) {
  const service = <S>({ name }: { readonly name: string }) =>
    (name === SOURCE_ARCHIVES.name ? archives : undefined) as S | undefined;
  // What is left of a lost attempt is ended on the whole machine, where other tests run programs.
  return aContext({ attempt: { id: "s1/created/1/copied/1", number: 1, token: 1 }, ...given, service });
}

/** The folders of runs of this process. */
const listRuns = () => readdirSync(tmpdir()).filter((name) => name.startsWith("stackyard-command-") && isOfUs(name));
const isOfUs = (name: string) => name.includes(`-${process.pid}-`);

const unreadable: SourceArchives = { open: () => Promise.reject(new Error("503")) };

describe("a program of a commit", () => {
  it("runs in a copy with its modes, which is removed afterwards (mozilla/sccache#1408)", async () => {
    const { archives, asked } = archivesOf();
    const ctx = context(archives);

    const step = await project().start({ run: ["./run.sh", "now"], folder: { ...git, path: "db" } }, { ctx });

    expect(step).toEqual({ kind: "succeeded", outputs: {} });
    expect(ctx.reports).toEqual([expect.stringMatching(/\/source$/), "from the commit", "now"]);
    expect(asked).toEqual([{ host: "github", repository: "acme/tools", commit: COMMIT }]);
    expect(listRuns()).toEqual([]);
  });

  it("can use its siblings, and runs in the folder after //", async () => {
    const run = { path: "a/db/run.sh", content: "#!/bin/sh\npwd; cat ../lib/data.txt\n", mode: 0o755 };
    const ctx = context(archivesOf([run, { path: "a/lib/data.txt", content: "of a sibling\n" }]).archives);

    const step = await project().start({ run: ["./run.sh"], folder: { ...git, path: "a//db" } }, { ctx });

    expect(step.kind).toBe("succeeded");
    expect(ctx.reports).toEqual([expect.stringMatching(/\/source\/db$/), "of a sibling"]);
  });

  it("finds the files of the commit each time, whatever a run before has changed (twitter/scoot#567)", async () => {
    const { archives } = archivesOf([
      { path: "run.sh", content: "#!/bin/sh\nls; rm run.sh; echo > left\n", mode: 0o755 },
    ]);
    const { start } = project();
    const [first, second] = [context(archives), context(archives, { idempotencyKey: "2" })];

    for (const ctx of [first, second]) await start({ run: ["./run.sh"], folder: git }, { ctx });

    expect([first.reports, second.reports]).toEqual([["run.sh"], ["run.sh"]]);
  });

  it("says which files the commit has elsewhere (deskflow/deskflow#6818)", async () => {
    const ctx = context(archivesOf([...FILES, { path: ".gitmodules", content: "" }]).archives);

    await project().start({ run: ["true"], folder: git }, { ctx });

    expect(ctx.reports).toEqual(["The repository has submodules, which are not included in the source."]);
  });

  it("runs as docs/commands.md shows it", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/commands.md"), "utf8");
    const { config } = parse(/```yaml fragment\n(.*?)```/s.exec(page)?.[1] ?? "").migrate;
    const [, sources = ""] = /`sources: (\[.*?\])`/.exec(page) ?? [];
    const migrate = { path: "tools/migrate", content: "#!/bin/sh\necho migrated\n", mode: 0o755 };
    const ctx = context(archivesOf([migrate]).archives);
    const options = { allow: [{ program: "./migrate", sources: JSON.parse(sources) }] };

    const step = await project().start({ ...config, folder: { ...config.folder, commit: COMMIT } }, { ctx, options });

    expect([step.kind, ctx.reports]).toEqual(["succeeded", ["migrated"]]);
  });

  it("leaves no copy when it fails, or is ended", async () => {
    const { archives } = archivesOf([{ path: "run.sh", content: "#!/bin/sh\necho up > up; $1\n", mode: 0o755 }]);
    const stop = new AbortController();
    const failed = await project().start({ run: ["./run.sh", "false"], folder: git }, { ctx: context(archives) });
    const running = project().start(
      { run: ["./run.sh", "sleep 60"], folder: git, grace: "50ms" },
      { ctx: context(archives, { signal: stop.signal }) },
    );
    while (!listRuns().some((run) => existsSync(join(tmpdir(), run, "source/up")))) await delay(20);
    stop.abort();

    expect([failed, await running]).toMatchObject([{ code: "COMMAND_FAILED" }, { code: "COMMAND_CANCELLED" }]);
    expect(listRuns()).toEqual([]);
  });

  it("is removed by a later run when its worker was killed (copier-org/copier#2644)", async () => {
    const host = hostname().replace(/[^A-Za-z0-9.]/g, "_");
    const left = join(tmpdir(), `stackyard-command-${host}-999999999-abcdef`);
    mkdirSync(join(left, "source"), { recursive: true });
    writeFileSync(join(left, "source/token"), "t");

    await project().start({ run: ["true"] });

    expect(readdirSync(tmpdir())).not.toContain(left.split("/").at(-1));
  });

  it.runIf(process.getuid?.() !== 0)(
    "is removed with folders that cannot be written to (golang/go#27161)",
    async () => {
      const ctx = context(archivesOf().archives);

      await project().start(
        { run: "mkdir -p cache/m && touch cache/m/f && chmod -R 555 cache", shell: true, folder: git },
        { ctx },
      );

      expect(listRuns()).toEqual([]);
    },
  );

  it("ends what it has begun by a program of the commit, also after its worker was lost", async () => {
    const undo = { path: "undo.sh", content: "#!/bin/sh\necho undone\n", mode: 0o755 };
    const ctx = context(archivesOf([undo]).archives);
    const executor = createCommandExecutor(ALLOW_ALL, { projectDir: tmpdir(), environment: { PATH: PROGRAMS } });

    const step = await executor.cancel?.(
      ctx,
      { run: ["true"], folder: git, cancel: { run: ["./undo.sh"] } } as never,
      undefined as never,
    );

    expect(step).toMatchObject({ code: "COMMAND_CANCELLED" });
    expect(ctx.reports).toEqual(["▸ cancel: ./undo.sh", "undone"]);
    expect(listRuns()).toEqual([]);
  });

  it("has a plan that names the source, and leaves nothing", async () => {
    const executor: Executor = createCommandExecutor(ALLOW_ALL, { projectDir: tmpdir(), environment: {} });
    const config = { run: ["./run.sh", "now"], folder: { ...git, path: "db" } } as never;

    expect(await executor.plan?.(context(archivesOf().archives), config)).toEqual({
      summary: `Would run ./run.sh now in db of acme/tools at ${COMMIT}.`,
    });
    await expect(executor.plan?.(context(undefined), config)).rejects.toThrow("COMMAND_SOURCE_UNSUPPORTED");
    expect(listRuns()).toEqual([]);
  });
});

describe("a second start of an attempt with a source", () => {
  const config: CommandConfig = { run: ["./run.sh"], folder: { ...git, path: "db" } };

  it("reads no source for a result that is known", async () => {
    const { archives, asked } = archivesOf();
    const { start } = project();
    const ctx = context(archives);
    const first = await start(config, { ctx });

    const again = await start(config, { ctx: { ...ctx, attempt: { ...ctx.attempt, token: 2 } } });

    expect(again).toEqual(first);
    expect(asked).toHaveLength(1);
  });

  it("is unknown after its worker was lost, also when the source cannot be read now", async () => {
    const ctx = context(unreadable);
    await begunCommands.add(ctx, ctx.idempotencyKey, { value: { token: 1 } });

    const step = await project().start(config, { ctx: { ...ctx, attempt: { ...ctx.attempt, token: 2 } } });

    // A failure that is retried would run the program again.
    expect(step).toMatchObject({ code: "COMMAND_UNKNOWN", retryable: false });
  });

  it("starts after a source that could not be read: nothing was begun", async () => {
    const { start } = project();
    const first = context(unreadable);
    const failed = await start(config, { ctx: first });

    const step = await start(config, { ctx: { ...first, service: context(archivesOf().archives).service } });

    expect(failed).toMatchObject({ code: "COMMAND_SOURCE_UNREADABLE", retryable: true });
    expect(step.kind).toBe("succeeded");
  });
});

describe("a source that cannot be used", () => {
  const folder = { ...git, path: "db" };
  it.each<[string, NonNullable<CommandConfig["folder"]>, SourceArchives | undefined, string, boolean]>([
    ["an unknown commit", folder, { open: async () => undefined }, "COMMAND_SOURCE_MISSING", false],
    [
      "a folder that is not in the commit",
      { ...git, path: "x" },
      archivesOf().archives,
      "COMMAND_SOURCE_MISSING",
      false,
    ],
    [
      "another commit (jtmullen/submodule-branch-check-action#11)",
      folder,
      archivesOf(FILES, "f".repeat(40)).archives,
      "COMMAND_SOURCE_UNREADABLE",
      true,
    ],
    ["a link", folder, archivesOf([{ path: "db/x", linkTo: "/etc" }]).archives, "COMMAND_SOURCE_REFUSED", false],
    ["no plugin for code hosts", folder, undefined, "COMMAND_SOURCE_UNSUPPORTED", false],
    ["a host that does not answer", folder, unreadable, "COMMAND_SOURCE_UNREADABLE", true],
    ["no such folder", { type: "local", location: "none" }, undefined, "COMMAND_SOURCE_MISSING", false],
    ["one outside", { type: "local", location: "../other" }, undefined, "COMMAND_SOURCE_REFUSED", false],
  ])("%s fails with its code, and leaves nothing", async (_, source, archives, code, retryable) => {
    const step = await project().start({ run: ["./run.sh"], folder: source }, { ctx: context(archives) });

    expect(step).toMatchObject({ kind: "failed", code, retryable });
    expect(listRuns()).toEqual([]);
  });

  it("is cancelled while it is read", async () => {
    const stop = new AbortController();
    const archives: SourceArchives = {
      async open() {
        stop.abort();
        throw stop.signal.reason;
      },
    };

    const step = await project().start(
      { run: ["./run.sh"], folder: git },
      { ctx: context(archives, { signal: stop.signal }) },
    );

    expect(step).toMatchObject({ code: "COMMAND_CANCELLED", retryable: false });
  });
});

describe("a copy of the project", () => {
  it("keeps what may be run, and the project as it is", async () => {
    const { folder, start } = project({ "tools/run.sh": "#!/bin/sh\necho changed > run.sh; pwd\n" });
    const ctx = aContext();

    const step = await start({ run: ["./run.sh"], folder: local }, { ctx });

    expect([step.kind, ctx.reports]).toEqual(["succeeded", [expect.stringMatching(/\/source$/)]]);
    expect(readFileSync(join(folder, "tools/run.sh"), "utf8")).toContain("#!/bin/sh");
  });

  it("does not contain the folder of the worker", async () => {
    const { folder } = project({ "data/stackyard.db": "secret", "tools/x": "" });
    const deps = { projectDir: folder, dataDir: join(folder, "data"), environment: { PATH: PROGRAMS } };
    const ctx = aContext();

    await createCommandExecutor(ALLOW_ALL, deps).start(ctx, {
      run: ["ls"],
      folder: { type: "local", location: "." },
    } as never);

    expect(ctx.reports).toEqual(["tools"]);
  });
});

describe("files of a bucket", () => {
  async function startS3(objects: Readonly<Record<string, string>>): Promise<ExecutorContext["aws"]> {
    const app = buildApp({ logger: false, defaultRegion: "eu-west-1" });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: "eu-west-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    });
    endings.push(() => app.close());
    endings.push(() => client.destroy());
    await client.send(new CreateBucketCommand({ Bucket: "tools" }));
    for (const [Key, Body] of Object.entries(objects))
      await client.send(new PutObjectCommand({ Bucket: "tools", Key, Body }));
    return () => client as never;
  }
  const folder = { type: "s3", bucket: "tools", key: "v7" } as const;

  it("have no modes: a program that reads them runs them, without those of a similar key (PrefectHQ/prefect#13025)", async () => {
    const ctx = aContext({ aws: await startS3({ "v7/run.sh": 'ls; echo "v7 $1"', "v70/run.sh": "echo v70" }) });
    const { start } = project();

    const direct = await start({ run: ["./run.sh"], folder }, { ctx });
    const step = await start({ run: ["sh", "run.sh", "now"], folder }, { ctx });

    expect(direct).toMatchObject({ code: "COMMAND_NOT_FOUND", message: expect.stringContaining("or may not be run") });
    expect([step.kind, ctx.reports]).toEqual(["succeeded", ["run.sh", "v7 now"]]);
  });

  it("that are not there are missing, and those of no bucket unreadable", async () => {
    const ctx = aContext({ aws: await startS3({}) });

    expect(await project().start({ run: ["sh"], folder }, { ctx })).toMatchObject({ code: "COMMAND_SOURCE_MISSING" });
    expect(await project().start({ run: ["sh"], folder: { ...folder, bucket: "none" } }, { ctx })).toMatchObject({
      code: "COMMAND_SOURCE_UNREADABLE",
      retryable: true,
    });
  });
});

describe("a yard whose rules name sources", () => {
  const run = (options: CommandOptions, folder: NonNullable<CommandConfig["folder"]>, given: TestContextInput = {}) =>
    project().start(
      { run: ["./run.sh"], folder },
      { options, ctx: context(archivesOf([{ path: "run.sh", content: "#!/bin/sh\n", mode: 0o755 }]).archives, given) },
    );

  it.each<[CommandOptions, Partial<typeof git> | { repository: string }, boolean]>([
    [{ allow: [{ program: "./*" }] }, {}, false],
    [{ allow: [{ program: "./*", sources: ["git:github/acme/*"] }] }, {}, true],
    [{ allow: [{ program: "./*", sources: ["git:github/acme/*"] }] }, { repository: "acmeevil/tools" }, false],
    [{ allow: [{ program: "./*", sources: ["s3:*"] }] }, {}, false],
  ])("with %j runs a program of %j: %s (opendevstack/ods-core#1396)", async (options, more, isAllowed) => {
    const step = await run(options, { ...git, ...more });

    expect(step).toMatchObject(isAllowed ? { kind: "succeeded" } : { code: "COMMAND_NOT_ALLOWED", retryable: false });
  });

  const target = { account: "111122223333", region: "eu-central-1", partition: "aws" };
  const credentials = async () => ({ accessKeyId: "ASIATARGET", secretAccessKey: "s" });
  it("runs no commit that is not trusted, unless a rule and a role allow it (mozilla/neqo#3872)", async () => {
    const folder = { ...git, trusted: false };
    const withRole = { target: { ...target, role: "preview" }, credentials };
    const rule = { program: "./*", sources: ["git:*"] };

    expect(await run(ALLOW_ALL, folder, withRole)).toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
    expect(await run({ allow: [{ ...rule, untrusted: true }] }, folder, { target, credentials })).toMatchObject({
      code: "COMMAND_NOT_ALLOWED",
      message: expect.stringContaining("role"),
    });
    expect(await run({ allow: [{ ...rule, untrusted: true }] }, folder, withRole)).toMatchObject({ kind: "succeeded" });
  });

  it("gives a commit that is not trusted nothing of the worker", async () => {
    const { archives } = archivesOf([
      { path: "run.sh", content: '#!/bin/sh\necho "$HOME $SECRET"; ls -A "$HOME"\n', mode: 0o755 },
    ]);
    const ctx = context(archives, { target: { ...target, role: "preview" }, credentials });
    const options = {
      allow: [{ program: "./*", sources: ["git:*"], untrusted: true }],
      passEnvironment: ["SECRET"],
    };

    const { folder, start } = project({ ".aws/credentials": "k" });
    await start({ run: ["./run.sh"], folder: { ...git, trusted: false } }, { options, ctx });

    expect(ctx.reports[0]).not.toContain(folder);
    expect(ctx.reports[0]).not.toContain("of the yard");
    expect(ctx.reports.slice(1)).toEqual(["metadata.json", "outputs", "source"]);
  });

  it.runIf(process.getuid?.() === 0)("gives the copy to the user of the rule, but none of the project", async () => {
    const { archives } = archivesOf([
      { path: "run.sh", content: "#!/bin/sh\nid -un; echo 1 > made; rm run.sh\n", mode: 0o700 },
    ]);
    const ctx = context(archives);
    const options = { allow: [{ program: "./*", sources: ["git:*"], user: "nobody" }] };
    const { start } = project({ "tools/run.sh": "#!/bin/sh\n" });

    expect(await start({ run: ["./run.sh"], folder: git }, { options, ctx })).toMatchObject({ kind: "succeeded" });
    expect(ctx.reports).toEqual(["nobody"]);
    expect(await start({ run: ["./run.sh"], folder: local }, { options })).toMatchObject({
      code: "COMMAND_NOT_ALLOWED",
      message: expect.stringContaining("Write the folder as a text."),
    });
  });
});
