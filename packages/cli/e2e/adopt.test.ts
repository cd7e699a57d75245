import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { answerS3, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

// Environments that Terraform alone has made, with states in S3, in a file and behind HTTP, are taken over by the built command line.

const APP = `variable "stack_id" { type = string }
variable "size" { type = string }
resource "terraform_data" "app" {
  input = { name = var.stack_id, size = var.size }
}
`;
const BACKEND = `terraform {
  backend "s3" {
    bucket = "acme-states"
    region = "eu-west-1"
    use_path_style = true
    use_lockfile = true
    skip_credentials_validation = true
    skip_metadata_api_check = true
    skip_region_validation = true
    skip_requesting_account_id = true
    skip_s3_checksum = true
  }
}
`;
const MACHINE = `version: 2
metadata: { size: { type: string }, summary: { type: string } }
events: { ADOPTED: { metadata: [size] }, OPENED: { metadata: [size] } }
states:
  INIT: { on: { ADOPTED: CHECK, OPENED: APPLY } }
  CHECK:
    tasks: [plan]
    on:
      NEXT:
        - { when: tasks.plan.outputs.unchanged, action: advance, state: LIVE }
        - { action: advance, state: DIFFERS }
      FAILED: DIFFERS
  DIFFERS: { on: { ADOPTED: CHECK } }
  APPLY: { tasks: [apply], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  plan:
    executor: terraform
    config: { action: plan, source: { type: local, location: terraform/app } }
    outputs: { summary: summary }
  apply: { executor: terraform, config: { action: apply, source: { type: local, location: terraform/app } } }
`;
/** An environment of two configurations, as most are. */
const NET = `resource "terraform_data" "net" { input = "10.0.0.0/16" }
output "range" { value = terraform_data.net.output }
`;
const SITE = `version: 2
metadata: { size: { type: string } }
events: { ADOPTED: { metadata: [size] } }
states:
  INIT: { on: { ADOPTED: CHECK } }
  CHECK:
    tasks: [net, app]
    on:
      NEXT:
        - { when: tasks.net.outputs.unchanged && tasks.app.outputs.unchanged, action: advance, state: LIVE }
        - { action: advance, state: DIFFERS }
      FAILED: DIFFERS
  DIFFERS: { on: { ADOPTED: CHECK } }
  LIVE: {}
tasks:
  net: { executor: terraform, config: { action: plan, source: { type: local, location: terraform/net } } }
  app: { executor: terraform, config: { action: plan, source: { type: local, location: terraform/app } } }
`;

/** Environments in S3, as a workflow would have made them: \`key\` of the backend, and a workspace. */
const MADE = [
  { id: "shop", key: "envs/shop.tfstate", size: "large" },
  { id: "blog", key: "envs/blog.tfstate", size: "small" },
  { id: "docs", key: "envs/docs.tfstate", size: "small" },
  { id: "pr-7", key: "app.tfstate", size: "small", workspace: "pr-7" },
] as const;

let folder = "";
let project = "";
let environment: Readonly<Record<string, string>> = {};
let yard: SpawnedCli | undefined;
let stop: () => Promise<void> = async () => {};
let http: Server | undefined;
/** Its address. */
let backend = "";
/** Answers of the HTTP backend. */
const answers = new Map<string, readonly [status: number, body: string]>();
const sim = createAwsSim({ clock: systemClock });
let credentials = { accessKeyId: "", secretAccessKey: "" };
const place = { account: "111122223333", region: "eu-west-1" } as const;

const stackyard = (...words: readonly string[]): Promise<Ended> => execCli(words, { cwd: project, env: environment });
const adopt = (from: string, ...words: readonly string[]) =>
  stackyard("adopt", ...words, "--machine", "app", "--from", from, "--json");
const rowsOf = ({ stdout }: Ended) =>
  stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
const stateOf = async (id: string) => JSON.parse((await stackyard("stacks", "show", id, "--json")).stdout).state;
const stored = (key: string) => sim.s3.findObject("acme-states", key)?.body.toString() ?? "";

/** Makes an environment by Terraform, as a workflow would. */
async function make({
  id,
  key,
  size,
  ...rest
}: {
  id: string;
  key: string;
  size: string;
  workspace?: string;
  source?: string;
}): Promise<void> {
  const { source = APP } = rest;
  const cwd = join(folder, "workflow", key);
  await mkdir(cwd, { recursive: true });
  await writeFile(join(cwd, "main.tf"), source);
  await writeFile(join(cwd, "backend.tf"), BACKEND);
  const env = { ...process.env, ...environment };
  const terraform = (...words: readonly string[]) => promisify(execFile)("terraform", words, { cwd, env });
  await terraform("init", "-input=false", `-backend-config=key=${key}`);
  if (rest.workspace !== undefined) await terraform("workspace", "new", rest.workspace);
  const values = source === APP ? [`-var=stack_id=${id}`, `-var=size=${size}`] : [];
  await terraform("apply", "-input=false", "-auto-approve", ...values);
}

const hasTerraform = spawnSync("terraform", ["version"]).status === 0;

describe.runIf(hasTerraform)("stackyard adopt (skipped without Terraform)", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stackyard-adopt-"));
    project = join(folder, "project");
    credentials = sim.iam.addUser({ ...place, name: "ada" });
    sim.s3.createBucket({ ...place, name: "acme-states" });
    const door = await openFrontDoor({ services: { s3: answerS3(sim) }, others: "http://127.0.0.1:9" });
    stop = door.stop;
    environment = {
      AWS_REGION: place.region,
      AWS_ENDPOINT_URL_S3: door.url,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      CHECKPOINT_DISABLE: "1",
    };
    for (const each of MADE) await make(each);
    for (const [path, text] of [
      ["package.json", '{ "private": true, "type": "module" }'],
      ["machines/app.yaml", MACHINE],
      ["machines/site.yaml", SITE],
      ["terraform/app/main.tf", APP],
      ["terraform/net/main.tf", NET],
    ] as const) {
      await mkdir(join(project, path, ".."), { recursive: true });
      await writeFile(join(project, path), text);
    }
    yard = spawnCli(["dev", "--port", "0", "--json"], { cwd: project, env: environment });
    await yard.line(() => true);
    const server = createServer((request, response) => {
      const [status, body] = answers.get(request.url ?? "") ?? [404, ""];
      response.writeHead(status).end(body);
    });
    http = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    backend = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }, 240_000);
  afterAll(async () => {
    yard?.child.kill("SIGTERM");
    await yard?.ended;
    http?.closeAllConnections();
    http?.close();
    await stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it("checks first, and changes nothing with --dry-run", async () => {
    const { exitCode, stdout } = await stackyard(
      ...[
        "adopt",
        "shop",
        "--machine",
        "app",
        "--from",
        "s3://acme-states/envs/{stack}.tfstate",
        "--metadata",
        "size=large",
        "--dry-run",
      ],
    );

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ok {2}shop would enter CHECK, and plan\.$/m);
    expect(stdout).toMatch(
      /^ {4}state {2}s3:\/\/acme-states\/envs\/shop\.tfstate: serial 1, lineage [\w-]+, 1 resource$/m,
    );
    expect(stdout).toMatch(/^ {4}key {4}app\/shop\/local\/terraform\/app$/m);
    expect((await stackyard("states", "ls", "--json")).stdout).toBe("");
    expect((await stackyard("stacks", "ls", "--json")).stdout).toBe("");
  }, 60_000);

  it("takes over what is in S3, byte for byte, and nothing would change [mattrobinsonsre/terrapod#347]", async () => {
    const before = stored("envs/shop.tfstate");

    const ended = await adopt("s3://acme-states/envs/{stack}.tfstate", "shop", "--metadata", "size=large");

    expect([ended.exitCode, rowsOf(ended)]).toEqual([
      0,
      [
        expect.objectContaining({
          stack: "shop",
          outcome: "adopted",
          state: "LIVE",
          states: [expect.objectContaining({ serial: 1, resources: 1 })],
          summary: "Nothing would change.",
        }),
      ],
    ]);
    const token = (await readFile(join(project, ".stackyard/token"), "utf8")).trim();
    const { url } = JSON.parse(await readFile(join(project, ".stackyard/server.json"), "utf8"));
    const kept = await fetch(`${url}/terraform/state/app/shop/local/terraform/app`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await kept.text()).toBe(before);
    expect(stored("envs/shop.tfstate")).toBe(before);
  }, 120_000);

  it("continues where an earlier call has ended: what is taken over already stays unchanged", async () => {
    const ended = await adopt("s3://acme-states/envs/{stack}.tfstate", "shop", "--metadata", "size=large");

    expect([ended.exitCode, rowsOf(ended)]).toEqual([0, [{ stack: "shop", outcome: "unchanged", state: "LIVE" }]]);
  }, 60_000);

  it("exits with 2 where the plan has changes, in a state that changes nothing, and can be repeated with the right values", async () => {
    const wrong = await adopt("s3://acme-states/envs/{stack}.tfstate", "blog", "--metadata", "size=huge");
    const right = await adopt("s3://acme-states/envs/{stack}.tfstate", "blog", "--metadata", "size=small");

    expect([wrong.exitCode, rowsOf(wrong)]).toEqual([
      2,
      [
        expect.objectContaining({
          outcome: "differs",
          state: "DIFFERS",
          reason: expect.stringContaining("1 to change"),
        }),
      ],
    ]);
    expect([right.exitCode, rowsOf(right)]).toEqual([0, [expect.objectContaining({ outcome: "adopted" })]]);
  }, 180_000);

  it("takes over a workspace by its own key, and says where it is when it is not there [hashicorp/terraform#13904, runatlantis/atlantis#1198]", async () => {
    const missing = await adopt("s3://acme-states/app.tfstate", "pr-7", "--metadata", "size=small");
    const found = await adopt("s3://acme-states/env:/{stack}/app.tfstate", "pr-7", "--metadata", "size=small");

    expect([missing.exitCode, rowsOf(missing)]).toEqual([
      1,
      [
        {
          stack: "pr-7",
          outcome: "refused",
          reason:
            "s3://acme-states/app.tfstate not found. The state of a workspace is at s3://acme-states/env:/WORKSPACE/app.tfstate.",
        },
      ],
    ]);
    expect([found.exitCode, rowsOf(found)[0]?.outcome]).toEqual([0, "adopted"]);
  }, 120_000);

  it("refuses a state that Terraform works with, and all stacks with it", async () => {
    const lock = JSON.stringify({
      ID: "1",
      Operation: "OperationTypeApply",
      Who: "ci@runner",
      Created: "2026-11-28T10:00:00Z",
    });
    const states = join(folder, "states");
    await mkdir(states, { recursive: true });
    await writeFile(join(states, "new.tfstate"), stored("envs/docs.tfstate"));
    await writeFile(
      join(states, "locked.tfstate"),
      stored("envs/docs.tfstate").replace(/"lineage": "/, '"lineage": "f'),
    );
    await writeFile(join(states, ".locked.tfstate.lock.info"), lock);

    const ended = await adopt(join(states, "{stack}.tfstate"), "new", "locked", "--metadata", "size=small");

    expect([ended.exitCode, rowsOf(ended)]).toEqual([
      1,
      [
        {
          stack: "locked",
          outcome: "refused",
          reason: expect.stringContaining("is locked (ci@runner, OperationTypeApply, since 2026-11-28T10:00:00Z)"),
        },
      ],
    ]);
    expect((await stackyard("stacks", "ls", "--json")).stdout).not.toContain('"new"');
  }, 60_000);

  it("refuses a state with the lock file of S3's backend", async () => {
    const key = "envs/docs.tfstate.tflock";
    const s3 = new S3Client({
      region: place.region,
      endpoint: environment["AWS_ENDPOINT_URL_S3"] ?? "",
      credentials,
      forcePathStyle: true,
    });
    const Body = JSON.stringify({ Who: "ci@runner", Operation: "OperationTypePlan" });
    await s3.send(new PutObjectCommand({ Bucket: "acme-states", Key: key, Body }));

    const ended = await adopt("s3://acme-states/envs/{stack}.tfstate", "docs", "--metadata", "size=small");

    expect(rowsOf(ended)).toEqual([
      {
        stack: "docs",
        outcome: "refused",
        reason: expect.stringContaining("is locked (ci@runner, OperationTypePlan)"),
      },
    ]);
    await s3.send(new DeleteObjectCommand({ Bucket: "acme-states", Key: key }));
  }, 60_000);

  it("refuses one state for two stacks, and a key where the yard has another environment", async () => {
    const states = join(folder, "shared");
    await mkdir(states, { recursive: true });
    for (const id of ["one", "two", "shop"])
      await writeFile(join(states, `${id}.tfstate`), stored("envs/docs.tfstate"));

    const shared = await adopt(join(states, "{stack}.tfstate"), "one", "two", "--metadata", "size=small");
    const other = await adopt(join(states, "{stack}.tfstate"), "shop", "--metadata", "size=small");

    expect(rowsOf(shared).map(({ stack, reason }) => [stack, reason])).toEqual([
      ["one", expect.stringContaining("one and two have one state")],
      ["two", expect.stringContaining("one and two have one state")],
    ]);
    expect([other.exitCode, rowsOf(other)[0]?.outcome]).toEqual([1, "refused"]);
  }, 60_000);

  it("refuses to open a stack with an event that applies", async () => {
    const ended = await adopt(
      "s3://acme-states/envs/{stack}.tfstate",
      "docs",
      "--event",
      "OPENED",
      "--metadata",
      "size=small",
      "--dry-run",
    );

    expect(rowsOf(ended)).toEqual([
      { stack: "docs", outcome: "refused", reason: expect.stringContaining('runs "apply", which is not a plan') },
    ]);
  }, 60_000);

  it.each([
    ["/missing", 404, "", "has no state"],
    ["/page", 200, "<html>sign in</html>", "It is not a JSON object."],
    ["/locked", 423, '{"Who":"ci@runner"}', "is locked: ci@runner"],
    ["/secret", 401, "", "Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD."],
  ])(
    "refuses %s of an HTTP backend [ljfranklin/terraform-resource#79]",
    async (path, status, body, reason) => {
      answers.set(path, [status, body]);
      const ended = await adopt(`${backend}${path}`, "docs", "--metadata", "size=small");

      expect([ended.exitCode, rowsOf(ended)]).toEqual([
        1,
        [{ stack: "docs", outcome: "refused", reason: expect.stringContaining(reason) }],
      ]);
    },
    60_000,
  );

  it("takes over what an HTTP backend has", async () => {
    answers.set("/docs", [200, stored("envs/docs.tfstate")]);
    const ended = await adopt(`${backend}/{stack}`, "docs", "--metadata", "size=small");

    expect([ended.exitCode, await stateOf("docs")]).toEqual([0, "LIVE"]);
  }, 120_000);

  it("takes over an environment of two configurations, each with its state", async () => {
    await make({ id: "site", key: "site/net.tfstate", size: "", source: NET });
    await make({ id: "site", key: "site/app.tfstate", size: "small" });
    const of = (name: string, key = name) => ["--from", `${name}=s3://acme-states/{stack}/${key}.tfstate`];
    const take = (...words: readonly string[]) =>
      stackyard("adopt", "site", "--machine", "site", "--metadata", "size=small", "--json", ...words);

    const refused = [
      await take("--from", "s3://acme-states/{stack}/net.tfstate"),
      await take(...of("net"), ...of("app", "net")),
      await take(...of("net"), ...of("app"), ...of("net", "app")),
    ].flatMap(rowsOf);
    expect(refused).toEqual([
      expect.objectContaining({ reason: expect.stringContaining("--from net=ADDRESS --from app=ADDRESS") }),
      expect.objectContaining({ reason: expect.stringContaining("Two configurations have one state") }),
      expect.objectContaining({ reason: 'Several states were given for the plan "net".' }),
    ]);

    const ended = await take(...of("net"), ...of("app"));
    const again = await take(...of("app"), ...of("net"));

    expect([ended.exitCode, rowsOf(ended)]).toEqual([
      0,
      [
        expect.objectContaining({
          outcome: "adopted",
          states: [
            expect.objectContaining({ key: "site/site/local/terraform/net", resources: 1 }),
            expect.objectContaining({ key: "site/site/local/terraform/app", resources: 1 }),
          ],
        }),
      ],
    ]);
    expect([again.exitCode, rowsOf(again)]).toEqual([0, [{ stack: "site", outcome: "unchanged", state: "LIVE" }]]);
  }, 180_000);
});
