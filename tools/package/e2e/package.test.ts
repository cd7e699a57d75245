import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBillFaults } from "../src/testing/bill-schema.ts";
import { callFunction } from "./call-function.ts";

const root = join(import.meta.dirname, "../../..");
const temp = mkdtempSync(join(tmpdir(), "stackyard-release-"));
const out = join(temp, "one");
const tables = await startDynamodb();
const queues = "http://127.0.0.1:9/000000000000";
const environments: Record<string, Readonly<Record<string, string>>> = {
  "task-runner": { SQS_EVENT_QUEUE_URL: `${queues}/stack-events` },
};

/** The apps that are called here; nightly, a release has all. */
const CALLED = ["state-manager", "task-runner"];
const PACKED = process.env["LONG_TESTS"] ? [] : CALLED;
/** What is built twice. */
const REBUILT = process.env["LONG_TESTS"] ? [...CALLED, "consumer"] : ["state-manager"];

const toWords = (apps: readonly string[]) => apps.flatMap((app) => ["--app", app]);

function build(folder: string, ...words: readonly string[]): void {
  const main = join(root, "tools/package/src/main.ts");
  execFileSync(process.execPath, [main, "--out", folder, ...words], { cwd: root, stdio: "pipe" });
}

/** What Lambda does with the zip of an app, which finds the SDK in the runtime. */
function install(app: string): string {
  const zip = readdirSync(out).find((name) => name.startsWith(`${app}-`) && name.endsWith(".zip")) ?? "";
  const folder = join(temp, app);
  for (const [path, content] of Object.entries(unzipSync(readFileSync(join(out, zip))))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  mkdirSync(join(folder, "node_modules"));
  for (const scope of ["@aws-sdk", "@smithy"]) {
    symlinkSync(join(root, "node_modules", scope), join(folder, "node_modules", scope));
  }
  return folder;
}

beforeAll(async () => {
  build(out, ...toWords(PACKED));
  await tables.createTable("stacks", "id");
  environments["state-manager"] = {
    MACHINE_LOCATOR: "LOCAL_FS",
    MACHINE_SPEC_DIR: temp,
    DYNAMODB_TABLE: "stacks",
    SQS_TASK_QUEUE_URL: `${queues}/stack-tasks`,
    AWS_ENDPOINT_URL_DYNAMODB: tables.url,
  };
}, 300_000);

afterAll(async () => {
  await tables.stop();
  rmSync(temp, { recursive: true, force: true });
});

describe("npm run package", () => {
  it("gives the same bytes for the same commit", () => {
    // The workflow of releases compares all of them.
    build(join(temp, "two"), ...toWords(REBUILT));

    const names = readdirSync(join(temp, "two")).filter((name) => !/^(SHA256SUMS|release\.json)$/.test(name));
    expect(names).toEqual(
      readdirSync(out).filter((name) => {
        return name.endsWith(".template.json") || REBUILT.some((app) => name.startsWith(`${app}-0`));
      }),
    );
    for (const name of names) {
      expect(readFileSync(join(temp, "two", name)).equals(readFileSync(join(out, name))), name).toBe(true);
    }
  }, 300_000);

  it("writes sums that sha256sum takes", () => {
    const check = () => execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: out, stdio: "pipe" });

    expect(check).not.toThrow();
  });

  it("writes the templates, and bills of materials that fit CycloneDX", () => {
    const release = JSON.parse(readFileSync(join(out, "release.json"), "utf8"));
    const bills = readdirSync(out).filter((name) => name.endsWith(".cdx.json"));

    expect(release.templates.map(({ name }: { name: string }) => name).sort()).toEqual([
      ...["consumer", "consumer-zip", "consumers-rollout", "distributor"],
      ...["ecs-task", "fleet", "fleet-instances", "releases", "releases-account", "services"],
      ...["state-manager", "task-runner", "yard"],
    ]);
    expect(bills).toHaveLength(release.apps.length);
    for (const bill of bills)
      expect(findBillFaults(JSON.parse(readFileSync(join(out, bill), "utf8"))), bill).toEqual([]);
  });
});

describe.each(CALLED)("the zip of %s", (app) => {
  let folder = "";
  beforeAll(() => {
    folder = install(app);
  });
  const call = (handler: string, events: readonly unknown[], environment = environments[app] ?? {}) =>
    callFunction({ folder, handler, events, environment });

  it("works off a batch by both names of its handler, and rejects events that are not a batch", async () => {
    const record = {
      messageId: "m-1",
      receiptHandle: "r-1",
      body: "no JSON",
      messageAttributes: {},
      awsRegion: "eu-west-1",
      attributes: { ApproximateReceiveCount: "1", SentTimestamp: "1767225600000" },
      eventSource: "aws:sqs",
      eventSourceARN: `arn:aws:sqs:eu-west-1:111122223333:${app === "state-manager" ? "stack-events" : "stack-tasks"}`,
    };

    // The state manager dead-letters an invalid message; without a queue for it, the runner lets it be delivered again.
    const expected = app === "state-manager" ? { batchItemFailures: [] } : { error: { code: "SERVER_ERROR" } };
    const invalid = { error: { code: "EVENT_INVALID" } };
    const batch = { Records: [record] };
    const others = [{ Records: [] }, { hello: 1 }];
    expect(await call("src/index.lambdaHandler", [batch])).toMatchObject([expected]);
    expect(await call("index.handler", [batch, ...others])).toMatchObject([expected, invalid, invalid]);
  });

  it("lists what is missing in its environment", async () => {
    expect(await call("index.handler", [{ Records: [] }], {})).toMatchObject([{ error: { code: "CONFIG_INVALID" } }]);
  });
});
