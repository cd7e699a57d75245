import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";

const target = { account: "111122223333", region: "eu-central-1", partition: "aws", role: "deployer" };
/** The SDK of Terraform renews five minutes before the end, so a session that ends then is good for two seconds. */
const LIFE_MS = 5 * 60_000 + 2_000;

/** A bucket with one state that records the access key of each request. */
async function startBucket() {
  const calls: string[] = [];
  let state: Buffer | undefined;
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const key = /Credential=(\w+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "none";
    calls.push(`${request.method} ${key}`);
    if (request.url?.includes("list-type=2")) return void response.end("<ListBucketResult></ListBucketResult>");
    if (request.method === "PUT") state = body;
    if (state === undefined)
      return void response.writeHead(404).end("<Error><Code>NoSuchKey</Code><Message>none</Message></Error>");
    response.end(request.method === "GET" ? state : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { calls, url: `http://127.0.0.1:${port}`, close: () => server.close(), hasState: () => state !== undefined };
}

const print = (text: string) => JSON.stringify(`${process.execPath} -e '${text}'`);
const ASK =
  "fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI,{headers:{authorization:process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN}}).then(r=>r.text()).then(t=>console.log(t))";
const toModule = (url: string) => `
terraform {
  backend "s3" {
    bucket = "states"
    region = "eu-central-1"
    use_path_style = true
    skip_credentials_validation = true
    skip_requesting_account_id = true
    skip_s3_checksum = true
    endpoints = { s3 = "${url}" }
  }
}
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = ${print("setTimeout(()=>{},3000)")} }
}
resource "terraform_data" "asks" {
  depends_on = [terraform_data.slow]
  provisioner "local-exec" { command = ${print(ASK)} }
}
`;

describe.skipIf(!hasTerraform())("a run in a target", () => {
  it("outlives its session: Terraform asks for the next one, and saves its state with it (terraform-provider-aws#1307)", async () => {
    const bucket = await startBucket();
    const project = aProject({ "network/main.tf": toModule(bucket.url) });
    let sessions = 0;
    const credentials = async () => ({
      accessKeyId: `ASIASESSION${++sessions}`,
      secretAccessKey: `secret-of-session-${sessions}`,
      sessionToken: `token-of-session-${sessions}`,
      expiration: new Date(Date.now() + LIFE_MS),
    });
    const ctx = aContext({ target, credentials });

    const step = await project.start(ctx, {});

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(bucket.hasState()).toBe(true);
    // The last request releases nothing and reads nothing: it saves the state, with a session of its own.
    const keys = bucket.calls.map((call) => call.split(" ")[1]);
    expect(keys).not.toContain("none");
    const saved = bucket.calls.findLast((call) => call.startsWith("PUT"));
    expect(Number(saved?.match(/\d+$/)?.[0])).toBeGreaterThan(Number(keys[0]?.match(/\d+$/)?.[0]));
    const printed = ctx.lines.filter((line) => line.includes("AccessKeyId"));
    expect(printed).toEqual([expect.stringContaining('"SecretAccessKey":"***","Token":"***"')]);
    bucket.close();
    project.remove();
  });
});
