import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateDocumentCommand, SSMClient } from "@aws-sdk/client-ssm";
import { createSimPlugin, createSimYard, type SimYard } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids } from "@stackyard/core/engine";
import { type PageCommand, readPageCommands, runCommand } from "@stackyard/core/testing";
import { openJobs } from "@stackyard/sdk/commands";
import { createServer, type Server } from "@stackyard/server";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createFleetCommands } from "./commands/fleet-commands.ts";
import { applyArtifactName, applyArtifactText } from "./document/apply-artifact-document.ts";
import { createRunCommandExecutor } from "./run-command.ts";

// Plays the commands of docs/fleet.md over a real server, with instances in a simulated account.
const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/fleet.md"), "utf8");
const PLACE = { account: "111122223333", region: "eu-west-1" };
const SHOWN_RUN = "run-0cc52bd92f8f1ec64f390c9af986e6be";

const played = ["fleet plan", "fleet run", "fleet watch", "fleet show", "fleet retry", "fleet cancel"];
const commands = readPageCommands(
  PAGE,
  createFleetCommands(() => {
    throw new Error("Nothing is called here.");
  }),
).filter(({ name }) => played.includes(name));

let [yard, server, url, cwd]: [SimYard, Server, string, string] = [] as never;
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), "fleet-page-"));
  const executor = createRunCommandExecutor({}, { random: () => 0.5 });
  yard = createSimYard({ ...PLACE, executors: [executor] });
  const { store, clock } = yard;
  const deps = { store, clock, ids: createUlids(), logger: silentLogger, locator: createStaticLocator([]) };
  server = createServer(
    { ...deps, executors: new Map([["runcommand", executor]]), version: "0.0.0" },
    { port: 0, allowAnonymous: true, limits: { outcomeMs: 60_000 } },
  );
  ({ url } = await server.start());
  await addFleet();
});
afterEach(async () => {
  await server.stop();
  rmSync(cwd, { recursive: true });
});

const IDS = Array.from({ length: 30 }, (_, at) => `i-0a1b2c3d4e5f6${String(at + 1).padStart(4, "0")}`);

/** Adds web servers with both tags of the page, the artifact that it names, and the document. */
async function addFleet(): Promise<void> {
  for (const instanceId of IDS) {
    const tags = { Role: "web", has_ssm_agent: "true", Ansible_Roles: "webserver" };
    yard.sim.ec2.addInstance({ ...PLACE, instanceId, tags, state: "running" });
    yard.sim.ssm.addAgent({ ...PLACE, instanceId, registersAt: 0, platformType: "Linux" });
  }
  yard.sim.s3.createBucket({ name: "my-artifacts", ...PLACE });
  const credentials = yard.sim.iam.addUser({ account: PLACE.account, name: "ann" });
  const [s3, ssm] = [new S3Client({ ...PLACE, credentials }), new SSMClient({ ...PLACE, credentials })];
  for (const client of [s3, ssm]) client.middlewareStack.use(createSimPlugin(yard.sim) as never);
  await s3.send(new PutObjectCommand({ Bucket: "my-artifacts", Key: "site/app.zip", Body: "a zip" }));
  await ssm.send(
    new CreateDocumentCommand({ Name: applyArtifactName, Content: applyArtifactText, DocumentType: "Command" }),
  );
}

/** Runs a command while the yard's time passes. */
async function run(name: string, args: object) {
  const own = createFleetCommands((given) => ({ ...openJobs(given), pollMs: 5 }));
  let isOver = false;
  // Time does not continue for a command that has outlived its test.
  onTestFinished(() => {
    isOver = true;
  });
  const running = runCommand(own, name, args, { cwd, server: { url } }).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await yard.advance(1_000);
    await setImmediate();
  }
  return running;
}

const ARTIFACT = { tagKey: "Role", tagValue: ["web"], artifact: "s3://my-artifacts/site/app.zip" };

/** Starts a run, for the commands about one. */
async function start(name: string): Promise<string> {
  const [id = ""] = IDS;
  if (name === "fleet retry") yard.sim.ssm.script(id, { exitCode: 2 }, {});
  if (name === "fleet cancel") yard.sim.ssm.script(id, { runsForMs: Number.POSITIVE_INFINITY });
  const { text } = await run("fleet run", { ...ARTIFACT, detach: true });
  await yard.advance(10_000);
  if (name === "fleet retry") await run("fleet watch", { run: text });
  return text;
}

describe("docs/fleet.md", () => {
  it("shows every command but the doctor's, which is played in fleet-doctor.test.ts", () => {
    expect(new Set(commands.map(({ name }) => name))).toEqual(new Set(played));
  });

  it.each(commands.map((command) => [command.text, command] as const))(
    "%s works as written",
    async (_, { name, args }: PageCommand) => {
      const isShown = args["run"] === SHOWN_RUN;

      const { exitCode, text, notes } = await run(name, isShown ? { ...args, run: await start(name) } : args);

      expect(exitCode, [text, ...notes].join("\n")).toBe(0);
    },
  );
});
