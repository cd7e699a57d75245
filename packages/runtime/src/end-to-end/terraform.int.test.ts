import { execFileSync } from "node:child_process";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Account, startAccount } from "../testing/start-account.ts";
import { startLambdaYard } from "../testing/start-lambda-yard.ts";

let account: Account;
beforeAll(async () => {
  account = await startAccount();
});
afterAll(() => account.stop());

describe.skipIf(!hasTerraform())("a task of Terraform in the runner's function", () => {
  it("applies and destroys what lies in S3, with its state in S3 under the predecessor's key", async () => {
    await account.cloud.createBucket("tf-src", { "app/main.tf": toConfiguration(account.door.url) });
    await account.cloud.createBucket("tf-state", {});
    const { PATH = "", HOME = "" } = process.env;
    const runnerEnvironment = { PATH, HOME };
    const yard = await startLambdaYard({ account, machines: { sandbox: SANDBOX }, runnerEnvironment });

    await yard.send({ stackId: "pr-1", event: "CREATE", machine: "sandbox", metadata: { owner: "kim" } });
    await yard.host.until(async () => /^(ON|STARTING ERROR)$/.test(await yard.find("pr-1")));
    expect(await yard.findErrors("pr-1")).toEqual([]);
    expect(await readState(account)).toMatchObject({ outputs: { name: { value: "pr-1 of kim" } }, resources: [{}] });

    await yard.send({ stackId: "pr-1", event: "DELETE" });
    await yard.host.until(async () => /^(|DELETING ERROR)$/.test(await yard.find("pr-1")));
    expect([await yard.find("pr-1"), await readState(account)]).toMatchObject(["", { resources: [] }]);
    await yard.stop();
  });
});

async function readState({ door, environment }: Account): Promise<unknown> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = environment;
  const credentials = { accessKeyId, secretAccessKey };
  const s3 = new S3Client({ endpoint: door.url, region: "eu-west-1", forcePathStyle: true, credentials });
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: "tf-state", Key: "sandbox/pr-1/app" }));
  s3.destroy();
  return JSON.parse((await Body?.transformToString()) ?? "");
}

/** Says aloud when it is missing. */
function hasTerraform(): boolean {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("SKIPPED: no terraform in PATH, so no task was run with the real program.\n");
    return false;
  }
}

function toConfiguration(endpoint: string): string {
  return `
terraform {
  backend "s3" {
    bucket                      = "tf-state"
    region                      = "eu-west-1"
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
    endpoints                   = { s3 = "${endpoint}" }
  }
}
variable "stack_id" {}
variable "owner" {}
variable "hosts" {}
resource "terraform_data" "host" {
  count = tonumber(var.hosts)
  input = var.stack_id
}
output "name" {
  value = "\${var.stack_id} of \${var.owner}"
}
`;
}

const SANDBOX = `version: 1
events: [CREATE, DELETE]
states:
  INIT: {on: {CREATE: [{action: advance, state: STARTING}]}}
  STARTING: {tasks: [up], on: {NEXT: [{action: advance, state: "ON"}]}}
  "ON": {on: {DELETE: [{action: advance, state: DELETING}]}}
  DELETING: {terminal: true, tasks: [remove]}
tasks:
  up:
    executor: terraform
    config: {action: apply, source: {type: s3, bucket: tf-src, key: app}, variables: {hosts: 1}}
  remove:
    executor: terraform
    config: {action: destroy, source: {type: s3, bucket: tf-src, key: app}, variables: {hosts: 1}}
`;
