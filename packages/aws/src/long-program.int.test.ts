import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { answerQuery, createAwsSim, createSimPlugin, openFrontDoor } from "@stackyard/aws-sim";
import { type ProgramCredentials, serveCredentials } from "@stackyard/core/programs";
import { createFakeClock } from "@stackyard/core/testing";
import { expect, it } from "vitest";
import { createAwsAccess } from "./aws-access.ts";

const [HUB, SPOKE, MINUTE] = ["111122223333", "444455556666", 60_000];
const target = { account: SPOKE, region: "eu-west-1", partition: "aws", role: "deployer" };

/** A runner that is itself a role, so that its sessions in other accounts have one hour at most (role chaining). */
async function startWorld() {
  const clock = createFakeClock(Date.UTC(2026, 5, 1));
  const sim = createAwsSim({ clock });
  const user = sim.iam.addUser({ account: HUB, name: "boot" });
  sim.iam.addRole({ account: HUB, name: "runner", trusts: [HUB] });
  sim.iam.addRole({ account: SPOKE, name: "deployer", trusts: [HUB] });
  const sts = new STSClient({ region: "us-east-1", credentials: user, maxAttempts: 1 });
  sts.middlewareStack.use(createSimPlugin(sim));
  const loadOwn = async () => {
    const RoleArn = `arn:aws:iam::${HUB}:role/runner`;
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "lambda" }));
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "", Expiration } = Credentials ?? {};
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...(Expiration && { expiration: Expiration }),
    };
  };
  const access = createAwsAccess({
    clock,
    credentials: loadOwn,
    region: "us-east-1",
    session: { name: "task-runner-main" },
    maxAttempts: 1,
    plugins: [createSimPlugin(sim)],
  });
  const door = await openFrontDoor({ services: { sts: answerQuery(sim, "STS") }, others: "http://127.0.0.1:9", clock });
  return { clock, access, door };
}

/** Starts a program with these credentials, which calls AWS at each given time. */
function startProgram({ environment }: Pick<ProgramCredentials, "environment">, endpoint: string) {
  const file = fileURLToPath(new URL("testing/long-program.ts", import.meta.url));
  const env = { ...environment, AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL_STS: endpoint };
  const child = spawn(process.execPath, [file], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async callAt(now: number) {
      child.stdin.write(`${now}\n`);
      return String((await lines.next()).value).split(" ");
    },
    stop: () => child.stdin.end(),
  };
}

it("gives a program that runs for five hours credentials of one hour as long as it runs (terragrunt#3817, terraform#5927)", async () => {
  const { clock, access, door } = await startWorld();
  const served = await serveCredentials({ load: () => access.credentials(target), clock });
  const program = startProgram(served, door.url);
  const keys = new Set<string | undefined>();
  const callers = new Set<string | undefined>();
  for (let at = 0; at <= 300; at += 7) {
    const [key, who] = await program.callAt(clock.now());
    keys.add(key);
    callers.add(who);
    await clock.advance(7 * MINUTE);
  }
  program.stop();
  await served.close();
  await door.stop();

  expect([...callers]).toEqual([`arn:aws:sts::${SPOKE}:assumed-role/deployer/task-runner-main`]);
  expect(keys.size).toBeGreaterThanOrEqual(5);
  // Each session is used for most of its time.
  expect(keys.size).toBeLessThanOrEqual(8);
});

it("shows that the same program with the variables of a session would be refused after an hour", async () => {
  const { clock, access, door } = await startWorld();
  const { accessKeyId, secretAccessKey, sessionToken } = await access.credentials(target);
  const environment = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
  const program = startProgram({ environment }, door.url);
  await clock.advance(61 * MINUTE);

  expect((await program.callAt(clock.now()))[1]).toMatch(/Expired|InvalidClientTokenId/);
  program.stop();
  await door.stop();
});
