import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMessage, generateKey, readKey, readSignature, verify } from "openpgp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly steps: readonly Step[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly needs?: string;
  readonly environment?: string;
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = join(import.meta.dirname, "../../../.github/workflows");
const files = readdirSync(folder);
const textOf = (file: string) => readFileSync(join(folder, file), "utf8");
const { permissions, jobs }: Workflow = parse(textOf("release.yml"));
const jobOf = (name: string): Job => {
  const job = jobs[name];
  if (job === undefined) throw new Error(`The workflow has no job "${name}".`);
  return job;
};
const stepsOf = (job: Job) => job.steps.map(({ uses = "", run = "" }) => uses.split("@")[0] || run);

describe("every workflow", () => {
  it("pins every action to a commit, the same one everywhere", () => {
    const actions = files.flatMap((file) => [...textOf(file).matchAll(/uses: (.*)/g)].map(([, action = ""]) => action));

    expect(files).toContain("ci.yml");
    expect(actions.length).toBeGreaterThan(6);
    for (const action of actions) expect(action).toMatch(/^[a-z-]+\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const names = actions.map((action) => action.split("@")[0]);
    expect(new Set(actions).size).toBe(new Set(names).size);
  });

  it("installs, builds and checks out nothing in a job that may write to the repository", () => {
    const workflows: readonly Workflow[] = files.map((file) => parse(textOf(file)));
    const writing = workflows.flatMap((each) =>
      Object.values(each.jobs).filter((job) => (job.permissions ?? each.permissions)["contents"] === "write"),
    );

    expect(writing).toHaveLength(3);
    for (const { steps } of writing) {
      expect(steps.map(({ uses = "actions/download-artifact@" }) => uses.split("@")[0])).toEqual(
        steps.map(() => "actions/download-artifact"),
      );
      expect(steps.map(({ run = "" }) => run).join("\n")).not.toMatch(/\b(?:npm|npx|node|pip|curl|wget|bash)\b/);
    }
  });

  it("puts nothing of the event into a script", () => {
    const workflows: readonly Workflow[] = files.map((file) => parse(textOf(file)));
    const scripts = workflows.flatMap((each) =>
      Object.values(each.jobs).flatMap((job) => job.steps.map(({ run = "" }) => run)),
    );

    for (const script of scripts) expect(script).not.toContain("${{");
  });
});

describe("the release", () => {
  it("lets no job do more than it has to", () => {
    const given = Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, job.permissions]));

    expect(permissions).toEqual({});
    expect(given).toEqual({
      build: { contents: "read" },
      sign: { "id-token": "write", attestations: "write" },
      publish: { contents: "write" },
      npm: { "id-token": "write" },
    });
  });

  it("gives the key to one job only, which checks nothing out, installs nothing and runs nothing that was built", () => {
    const withSecrets = Object.entries(jobs).filter(([, job]) => JSON.stringify(job).includes("secrets."));
    const sign = jobOf("sign");

    expect(withSecrets.map(([name]) => name)).toEqual(["sign"]);
    expect([sign.environment, sign.needs]).toEqual(["release", "build"]);
    expect(stepsOf(sign)).toEqual([
      "actions/download-artifact",
      expect.stringContaining("gpg"),
      "actions/attest-build-provenance",
      "actions/upload-artifact",
    ]);
    expect(sign.steps[1]?.run).not.toMatch(/npm|npx|node|apt|pip|curl|wget|bash |sh -c|source /);
  });

  it("attests what the sums name", () => {
    const attest = jobOf("sign").steps.find(({ uses = "" }) => uses.startsWith("actions/attest-build-provenance@"));

    expect(attest?.with).toEqual({ "subject-checksums": "release/SHA256SUMS" });
  });

  it("is built twice, and published only when it was signed", () => {
    expect(stepsOf(jobOf("build")).join("\n")).toContain("cmp dist/release/SHA256SUMS dist/again/SHA256SUMS");
    expect(jobOf("publish").needs).toBe("sign");
  });
});

const hasGpg = spawnSync("gpg", ["--version"]).status === 0;

describe.skipIf(!hasGpg)("the script that signs (skipped without gpg)", () => {
  const script = jobOf("sign").steps[1]?.run ?? "";
  const userIDs = [{ name: "Releases", email: "releases@example.org" }];
  const content = "state-manager\r\n\u0000\u0001";
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "sign-"));
    mkdirSync(join(place, "release"));
    mkdirSync(join(place, "temp"));
    const sum = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(place, "release/state-manager-0.1.0.zip"), content);
    writeFileSync(join(place, "release/SHA256SUMS"), `${sum}  state-manager-0.1.0.zip\n`);
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  const run = (env: Readonly<Record<string, string>>) =>
    // As a runner of GitHub calls it.
    execFileSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
      cwd: place,
      env: { PATH: process.env["PATH"], RUNNER_TEMP: join(place, "temp"), KEY: "", PASSPHRASE: "", ...env },
      encoding: "utf8",
      stdio: "pipe",
    });

  it.each([
    ["without a passphrase", ""],
    ["with a passphrase", "open sesame"],
  ])("signs each file and the sums with a key %s, and leaves no key behind", async (_, passphrase) => {
    const key = await generateKey({ userIDs, format: "armored", ...(passphrase === "" ? {} : { passphrase }) });

    run({ KEY: key.privateKey, PASSPHRASE: passphrase });

    expect(readdirSync(join(place, "signatures")).sort()).toEqual(["SHA256SUMS.asc", "state-manager-0.1.0.zip.asc"]);
    expect(readdirSync(join(place, "temp"))).toEqual([]);
    for (const name of ["SHA256SUMS", "state-manager-0.1.0.zip"]) {
      const armoredSignature = readFileSync(join(place, `signatures/${name}.asc`), "utf8");
      const { signatures } = await verify({
        message: await createMessage({ binary: readFileSync(join(place, "release", name)) }),
        signature: await readSignature({ armoredSignature }),
        verificationKeys: await readKey({ armoredKey: key.publicKey }),
      });
      expect(await signatures[0]?.verified, name).toBe(true);
    }
  });

  it("signs nothing whose sum is another", async () => {
    const { privateKey } = await generateKey({ userIDs, format: "armored" });
    writeFileSync(join(place, "release/state-manager-0.1.0.zip"), "another");

    expect(() => run({ KEY: privateKey })).toThrow();
  });

  it("fails with a wrong passphrase, and leaves no key behind", async () => {
    const { privateKey } = await generateKey({ userIDs, format: "armored", passphrase: "open" });

    expect(() => run({ KEY: privateKey, PASSPHRASE: "shut" })).toThrow();
    expect(readdirSync(join(place, "temp"))).toEqual([]);
  });

  it("warns without a key", () => {
    expect(run({})).toContain("::warning::");
    expect(readdirSync(join(place, "signatures"))).toEqual([]);
  });
});
