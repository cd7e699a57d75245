import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toSettings } from "../settings.ts";
import { aContext } from "../testing/a-context.ts";
import { aZip } from "../testing/a-zip.ts";
import { hasTerraform, PROGRAM } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { initRun } from "./init-run.ts";
import { withStagedRun } from "./with-staged-run.ts";

const PROVIDER = "yard.example/acme/fake";

/** `init` installs packages without running what is in them, so a text in a ZIP is a provider. */
describe.skipIf(!hasTerraform())("the provider cache", () => {
  let dir: string;
  const mirror = () => join(dir, "mirror", PROVIDER);
  const cached = (version: string) => join(dir, "data/terraform-providers", PROVIDER, version, platform());

  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), "terraform-cache-")));
    for (const folder of ["mirror", "network", "work"]) mkdirSync(join(dir, folder));
    mkdirSync(mirror(), { recursive: true });
    writeFileSync(join(dir, "cli.tfrc"), `provider_installation {\n filesystem_mirror { path = "${dir}/mirror" }\n}\n`);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const offer = (version: string) => {
    const name = `terraform-provider-fake_v${version}`;
    writeFileSync(join(mirror(), `terraform-provider-fake_${version}_${platform()}.zip`), aZip(name, "#!/bin/true\n"));
  };
  const need = (version: string) =>
    writeFileSync(
      join(dir, "network/main.tf"),
      `terraform {
        backend "local" { path = "${dir}/state" }
        required_providers {
          fake = { source = "${PROVIDER}", version = "${version}" }
        }
      }`,
    );
  const init = () => {
    const environment = { PATH: runnerEnvironment()["PATH"], HOME: dir };
    const deps = { projectDir: dir, dataDir: join(dir, "data"), environment };
    const settings = toSettings({ workDir: "work", cliConfigFile: "cli.tfrc" }, deps);
    const ctx = aContext();
    const config = { action: "apply", source: { type: "local", location: "network" } } as const;
    return withStagedRun(settings, ctx, config, { work: initRun }).then(() => ctx.lines);
  };

  it("keeps one whole package when several runs need a new provider at once", async () => {
    offer("1.0.0");
    need("1.0.0");

    const runs = await Promise.all(Array.from({ length: 6 }, init));

    expect(runs.flat().filter((line) => line.startsWith("- Installing"))).not.toEqual([]);
    expect(readdirSync(cached("1.0.0"))).toEqual(["terraform-provider-fake_v1.0.0"]);
    expect(readdirSync(join(dir, "data/terraform-providers/.runs"))).toEqual([]);
  });

  it("gives the package to later runs, which load nothing", async () => {
    offer("1.0.0");
    need("1.0.0");
    await init();
    rmSync(join(mirror(), `terraform-provider-fake_1.0.0_${platform()}.zip`));
    // The mirror still has to name the version; what it holds would not be a provider.
    writeFileSync(join(mirror(), `terraform-provider-fake_1.0.0_${platform()}.zip`), "no archive");

    const lines = await init();

    expect(lines).toContain(`- Using ${PROVIDER} v1.0.0 from the shared cache directory`);
    expect(readFileSync(join(cached("1.0.0"), "terraform-provider-fake_v1.0.0"), "utf8")).toBe("#!/bin/true\n");
  });

  it("adds a second version next to the first", async () => {
    offer("1.0.0");
    offer("1.1.0");
    need("1.0.0");
    await init();
    need("1.1.0");

    await init();

    expect([cached("1.0.0"), cached("1.1.0")].map((path) => existsSync(path))).toEqual([true, true]);
  });
});

function platform(): string {
  const answer: { platform: string } = JSON.parse(
    execFileSync(PROGRAM, ["version", "-json"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
  return answer.platform;
}
