import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { isStackyardError, type ProvidedService } from "@stackyard/core";
import { SOURCE_ARCHIVES, type SourceArchives } from "@stackyard/core/services";
import { APP_ID, APP_KEY, type HostSim, startHostSim } from "@stackyard/host-sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { provideArchives } from "./source-archives.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

describe("the archives of repositories", () => {
  let github: HostSim;
  let archives: SourceArchives;
  const open = (over: Partial<Parameters<SourceArchives["open"]>[0]> = {}) =>
    archives.open({ host: "github", repository: "acme/shop", commit: COMMIT, ...over }, AbortSignal.timeout(60_000));

  beforeAll(async () => {
    github = await startHostSim({ secret: "s", now: () => Date.now() });
    github.addRepository("acme/shop");
    github.addCommit("acme/shop", COMMIT, [{ path: "infra/main.tf", content: 'output "a" { value = 1 }' }]);
    const secrets = [{ env: "SECRET" }];
    const hosts = {
      github: { type: "github" as const, appId: APP_ID, key: { env: "KEY" }, secrets, url: github.url },
      ci: { type: "standard" as const, secrets },
    };
    const context = {
      projectDir: "/",
      dataDir: "/",
      environment: {},
      clock: { now: () => Date.now(), sleep: async () => undefined },
      readSecret: async () => APP_KEY,
    };
    const [provided]: readonly (ProvidedService | undefined)[] = provideArchives({ hosts }, context);
    expect(provided?.name).toBe(SOURCE_ARCHIVES.name);
    archives = provided?.create({ attemptId: "a", password: async () => "" }) as SourceArchives;
  });
  afterAll(() => github.stop());

  it("are read by a token of the App, through the redirect", async () => {
    const archive = await open();

    const text = gunzipSync(await buffer(Readable.from(archive ?? []))).toString("utf8");
    expect(text).toContain("acme-shop-0123456/infra/main.tf");
    expect(text).toContain('output "a" { value = 1 }');
    expect(github.requests).toContain(`GET /api/v3/repos/acme/shop/tarball/${COMMIT}`);
  });

  it("are read by the former name of a repository, as long as no other one has it (git-machete#1212)", async () => {
    github.addRepository("acme/web");
    github.addCommit("acme/web", COMMIT, [{ path: "infra/main.tf", content: "web" }]);
    github.renameRepository("acme/web", "acme/site");

    const archive = await open({ repository: "acme/web" });

    expect(gunzipSync(await buffer(Readable.from(archive ?? []))).toString("utf8")).toContain("acme-web-0123456/infra");
    github.addRepository("acme/web");
    expect(await open({ repository: "acme/web" })).toBeUndefined();
  });

  it("are undefined for a commit or a repository that does not exist", async () => {
    expect(await open({ commit: "f".repeat(40) })).toBeUndefined();
    expect(await open({ repository: "acme/none" })).toBeUndefined();
  });

  it.each([
    ["gitlab", 'The code host "gitlab" is not in the options of the plugin hosts.'],
    ["ci", 'The code host "ci" needs appId and key, or a token.'],
  ])("cannot be read from the host %s", async (host, message) => {
    const error = await open({ host }).catch((thrown: unknown) => thrown);

    expect(isStackyardError(error, "CONFIG_INVALID") && error.message).toBe(message);
  });

  it("are not read while GitHub fails", async () => {
    github.settings.requestFault = (_, path) => (path.includes("/tarball/") ? { status: 503 } : undefined);

    await expect(open()).rejects.toMatchObject({ status: 503 });

    github.settings.requestFault = undefined;
  });
});
