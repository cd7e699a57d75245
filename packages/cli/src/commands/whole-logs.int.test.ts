import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { buildApp } from "fauxqs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [dig], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  dig: {executor: chatty, config: {}}
`;
const PLUGIN = `export default { kind: "stackyard-plugin", name: "p", commands: [], executors: () => [{
  name: "chatty", config: { type: "object" }, resumable: true, cancelWithin: "5m",
  async start(ctx) {
    for (let line = 0; line < 1500; line += 1) ctx.report(("line " + line + " ").padEnd(100, "."));
    return { kind: "succeeded", outputs: {} };
  },
}] };
`;

const TOKENS = { STACKYARD_API_TOKENS: "ada=first-secret-of-the-tests" };
const TOKEN = { STACKYARD_TOKEN: "first-secret-of-the-tests" };

describe("a project with a bucket for whole logs", () => {
  const s3 = buildApp({ logger: false, defaultRegion: "eu-west-1" });
  let client: S3Client;
  const projects: { remove(): void }[] = [];

  beforeAll(async () => {
    const endpoint = await s3.listen({ host: "127.0.0.1", port: 0 });
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    client = new S3Client({ endpoint, region: "eu-west-1", forcePathStyle: true, credentials });
    await client.send(new CreateBucketCommand({ Bucket: "acme-logs" }));
    const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = credentials;
    const environment = {
      AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY,
      AWS_REGION: "eu-west-1",
      AWS_ENDPOINT_URL: endpoint,
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    client.destroy();
    await s3.close();
  });
  afterEach(() => {
    for (const { remove } of projects.splice(0)) remove();
  });

  function aProject(bucket: string): string {
    const config = { plugins: ["./plugin.mjs"], logs: { bucket, prefix: "yard/" } };
    const files = { "stackyard.config.json": JSON.stringify(config), "plugin.mjs": PLUGIN, "machines/m.yaml": MACHINE };
    const project = makeTempProject(files);
    projects.push(project);
    return project.folder;
  }

  it("writes them there and shows them", async () => {
    const cwd = aProject("acme-logs");
    const server = startCli(["server", "--with-worker", "--port", "0", "--json"], { cwd, env: TOKENS });
    const { url } = JSON.parse(await server.line((line) => line.includes('"kind":"ready"')));
    const world = { cwd, env: { ...TOKEN, STACKYARD_URL: url } };

    const sent = await runCli(["send", "pr-1", "OPEN", "-m", "m", "--until", "DONE"], world);
    const shown = await runCli(["stacks", "logs", "pr-1", "--full"], world);
    const timed = await runCli(["stacks", "logs", "pr-1", "--timestamps"], world);
    server.interrupt();
    await server.result;

    expect([sent.exitCode, shown.exitCode]).toEqual([0, 0]);
    expect(shown.stdout).toMatch(/line 0 \.[\s\S]*line 1499 \./);
    expect(timed.stdout).toMatch(/\n20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\dZ line 0 \.[\s\S]*\dZ line 1499 \./);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: "acme-logs" }));
    expect(Contents.map(({ Key }) => Key?.split("/").slice(0, 2))).toContainEqual(["yard", "log"]);
  });

  it("is checked by doctor: whether logs expire", async () => {
    const cwd = aProject("acme-logs");
    const check = async () => {
      const { stdout } = await runCli(["doctor", "--json"], { cwd });
      return parseLines(stdout).find((finding) => finding["check"] === "logs");
    };
    const put = (Filter: { readonly Prefix: string }) => {
      const Rules = [{ Status: "Enabled" as const, Filter, Expiration: { Days: 7 } }];
      return client.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket: "acme-logs", LifecycleConfiguration: { Rules } }),
      );
    };

    expect(await check()).toMatchObject({ status: "warn", message: expect.stringContaining("No lifecycle rule") });
    await put({ Prefix: "other/" });
    expect(await check()).toMatchObject({ status: "warn" });
    await put({ Prefix: "yard/" });
    expect(await check()).toMatchObject({ status: "ok", message: "s3://acme-logs/yard/" });
  });

  it.each([["no-such-bucket", { status: "fail", message: expect.stringContaining("s3://no-such-bucket/") }]])(
    "is checked by doctor: %s",
    async (bucket, finding) => {
      const { stdout } = await runCli(["doctor", "--json"], { cwd: aProject(bucket) });

      expect(parseLines(stdout).find(({ check }) => check === "logs")).toMatchObject(finding);
    },
  );
});
