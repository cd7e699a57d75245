import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { connectionReset, createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { StackyardError, silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { type AwsAccessOptions, createAwsAccess, createRenewedCredentials } from "./aws-access.ts";
import type { LimitedCall } from "./limiter.ts";

const HUB = "111122223333";
const SPOKE = "444455556666";
const MINUTE = 60_000;
const target = { account: SPOKE, region: "eu-west-1", partition: "aws", role: "deployer" };

/** A process in the hub account with keys of a user, and a role in the spoke account. */
function createWorld(options: Partial<AwsAccessOptions> = {}) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: HUB, name: "runner" });
  const role = sim.iam.addRole({ account: SPOKE, name: "deployer", trusts: [HUB] });
  const access = createAwsAccess({
    clock,
    credentials,
    region: "us-east-1",
    session: { name: "stackyard/yard one" },
    maxAttempts: 1,
    plugins: [createSimPlugin(sim)],
    ...options,
  });
  const countOf = (operation: string): number => sim.calls.filter((call) => call.operation === operation).length;
  const findArn = async (of = target): Promise<string | undefined> =>
    (await access.client(STSClient, of).send(new GetCallerIdentityCommand({}))).Arn;
  return { clock, sim, role, access, countOf, findArn };
}

describe("a client", () => {
  it("asks the proxy of the environment where Node uses one, and none otherwise", async () => {
    const asked: string[] = [];
    const proxy = createServer().on("connect", ({ url = "" }, socket) => {
      asked.push(url);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    const proxies = { HTTPS_PROXY: `http://127.0.0.1:${port}`, NODE_USE_ENV_PROXY: "1" };
    const clientConfig = { endpoint: "https://sts.test" };

    for (const given of [proxies, { ...proxies, NO_PROXY: ".test" }, { ...proxies, NODE_USE_ENV_PROXY: "" }]) {
      const { access } = createWorld({ proxies: given, plugins: [], clientConfig });
      await expect(access.client(STSClient, undefined).send(new GetCallerIdentityCommand({}))).rejects.toThrow();
    }
    proxy.close();

    expect(asked).toEqual(["sts.test:443"]);
  });

  it("signs with a session of the target's role, under a name that CloudTrail takes", async () => {
    const { findArn, sim } = createWorld();

    expect(await findArn()).toBe(`arn:aws:sts::${SPOKE}:assumed-role/deployer/stackyard-yard-one`);
    expect(sim.calls.map(({ operation, region }) => `${operation} ${region}`)).toEqual([
      "STS.GetCallerIdentity us-east-1",
      "STS.AssumeRole us-east-1",
      "STS.GetCallerIdentity eu-west-1",
    ]);
  });

  it("is made once per service and target", () => {
    const { access } = createWorld();

    expect(access.client(S3Client, target)).toBe(access.client(S3Client, { ...target }));
    expect(access.client(S3Client, target)).not.toBe(access.client(S3Client, { ...target, region: "eu-west-2" }));
    expect(access.client(S3Client, target)).not.toBe(access.client(LambdaClient, target));
    expect(access.client(S3Client, undefined)).toBe(access.client(S3Client, undefined));
  });

  it("works with the process's own credentials and region without a target", async () => {
    const { access } = createWorld();

    const sts = access.client(STSClient, undefined);

    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: HUB });
    expect(await sts.config.region()).toBe("us-east-1");
  });

  it("gives up a connection that stays silent, but not while it waits for messages", async () => {
    const { access } = createWorld();
    class Probe {
      readonly config: object;
      constructor(config: object) {
        this.config = config;
      }
    }

    for (const probe of [access.client(Probe, undefined), access.client(Probe, target)]) {
      // A receive of SQS is silent for 20 s.
      expect(probe.config).toMatchObject({ requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 } });
    }
  });

  it("shares one session among the services and regions of a target", async () => {
    const { access, countOf, findArn } = createWorld();

    await findArn();
    await findArn({ ...target, region: "eu-central-1" });
    await access.credentials(target);

    expect(countOf("STS.AssumeRole")).toBe(1);
  });

  it("sends the external id and the session's tags", async () => {
    const { sim, findArn } = createWorld({ session: { name: "runner", tags: { "stackyard:yard": "main" } } });
    sim.iam.addRole({ account: SPOKE, name: "guarded", externalId: "yard-7" });

    await findArn({ ...target, role: "guarded", externalId: "yard-7" } as never);

    expect(sim.calls.find(({ operation }) => operation === "STS.AssumeRole")?.input).toMatchObject({
      ExternalId: "yard-7",
      Tags: [{ Key: "stackyard:yard", Value: "main" }],
    });
  });

  it("takes the configured role and external id for targets that name none", async () => {
    const { sim, findArn } = createWorld({ targets: { role: "team/runner", externalId: "yard-7" } });
    sim.iam.addRole({ account: SPOKE, name: "team/runner", externalId: "yard-7" });

    expect(await findArn({ account: SPOKE, region: "eu-west-1", partition: "aws" } as never)).toContain("/runner/");
  });

  it("reports what to check when the role may not be assumed", async () => {
    const tagged = { session: { name: "runner", tags: { yard: "main" } }, retriesDenials: false };
    const { findArn, sim } = createWorld(tagged);
    sim.iam.addRole({ account: SPOKE, name: "untagged", allowsTags: false });

    await expect(findArn({ ...target, role: "unknown" })).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("Allow sts:AssumeRole and sts:TagSession on it to the runner's role"),
    });
    await expect(findArn({ ...target, role: "untagged" })).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("reports the error of AWS when the session would be too long", async () => {
    const { findArn } = createWorld({ session: { name: "runner", seconds: 7_200 } });

    await expect(findArn()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("exceeds the MaxSessionDuration set for this role"),
    });
  });

  it("retries what STS throttles", async () => {
    const throttled: string[] = [];
    const limiter = {
      acquire: async () => {},
      noteThrottled: (call: LimitedCall) => void throttled.push(call.operation),
    };
    const { findArn, sim } = createWorld({ maxAttempts: 3, limiter, clientConfig: { retryMode: "standard" } });
    sim.once("STS.AssumeRole", () => Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")));

    expect(await findArn()).toContain("assumed-role/deployer");
    expect(throttled).toEqual(["AssumeRole"]);
  });

  it("begins with the next call after one that failed", async () => {
    const { findArn, sim } = createWorld();
    sim.once("STS.GetCallerIdentity", () => Promise.reject(connectionReset()));

    await expect(findArn()).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(await findArn()).toContain("assumed-role/deployer");
  });
});

describe("a session", () => {
  it("is forgotten when many others were used since, for targets come out of tasks", async () => {
    const limiter = { acquire: async () => {}, noteThrottled: () => {} };
    const { access, countOf } = createWorld({ limiter });
    const use = (externalId: string) => access.credentials({ ...target, externalId } as never);
    await use("first");

    for (let other = 0; other < 499; other += 1) await use(`other-${other}`);
    await use("first");
    const kept = countOf("STS.AssumeRole");
    await use("one-more");
    await use("other-0");

    expect([kept, countOf("STS.AssumeRole")]).toEqual([500, 502]);
  });

  it("of a role that is assumed with a role's credentials lasts one hour at most", async () => {
    const { sim, clock } = createWorld();
    const ours = sim.iam.addRole({ account: HUB, name: "task-runner" });
    const credentials = sim.iam.beginSession(ours, { name: "lambda", endsAt: clock.now() + 360 * MINUTE });
    sim.iam.addRole({ account: SPOKE, name: "long", maxSeconds: 43_200 });
    const access = createAwsAccess({
      clock,
      credentials,
      region: "us-east-1",
      session: { name: "runner", seconds: 43_200 },
      plugins: [createSimPlugin(sim)],
    });

    const given = await access.credentials({ ...target, role: "long" });

    expect(given.expiration).toEqual(new Date(clock.now() + 60 * MINUTE));
    expect(await access.credentials({ ...target, role: "long" })).toEqual(given);
  });

  it("has the requested length without role chaining", async () => {
    const { sim, access, clock } = createWorld({ session: { name: "runner", seconds: 14_400 } });
    sim.iam.addRole({ account: SPOKE, name: "long", maxSeconds: 43_200 });

    const given = await access.credentials({ ...target, role: "long" });

    expect(given.expiration).toEqual(new Date(clock.now() + 240 * MINUTE));
  });

  it("is renewed before it ends, and no call ever fails", async () => {
    const { clock, findArn, countOf } = createWorld();

    for (let minute = 0; minute < 180; minute += 1) {
      await clock.advance(MINUTE);
      expect(await findArn()).toContain("assumed-role/deployer");
    }

    expect(countOf("STS.AssumeRole")).toBe(4);
  });

  it("that is handed to another program has most of its time before it", async () => {
    const { access, clock, countOf } = createWorld();

    await access.credentials(target);
    await clock.advance(14 * MINUTE);
    await access.credentials(target);
    expect(countOf("STS.AssumeRole")).toBe(1);
    await clock.advance(2 * MINUTE);
    const given = await access.credentials(target);

    expect(given.expiration).toEqual(new Date(clock.now() + 60 * MINUTE));
  });
});

describe("a target", () => {
  it("without a role is reached in the process's own account", async () => {
    const { access } = createWorld();
    const own = { account: HUB, region: "eu-west-1", partition: "aws" };

    const sts = access.client(STSClient, own);

    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: HUB });
    expect(await sts.config.region()).toBe("eu-west-1");
  });

  it("without a role is rejected in any other account, before anything is done there", async () => {
    const { access, sim } = createWorld();
    const other = { account: SPOKE, region: "eu-west-1", partition: "aws" };

    const listing = access.client(S3Client, other).send(new ListObjectsV2Command({ Bucket: "b" }));

    await expect(listing).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: `The target ${SPOKE} in eu-west-1 has no role. This process has credentials only for ${HUB}. Set a role for the target.`,
    });
    await expect(access.credentials(other)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(sim.calls.map(({ operation }) => operation)).toEqual(["STS.GetCallerIdentity"]);
  });

  it("in another partition cannot be reached, and says why", async () => {
    const { findArn } = createWorld();

    await expect(findArn({ ...target, region: "cn-north-1" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining('The region cn-north-1 is in the partition "aws-cn".'),
    });
  });

  it("is reached by STS in its region where the process has none", async () => {
    const { sim, clock } = createWorld();
    const credentials = sim.iam.addUser({ account: HUB, name: "laptop" });
    const access = createAwsAccess({
      clock,
      credentials,
      session: { name: "runner" },
      plugins: [createSimPlugin(sim)],
      clientConfig: { region: () => Promise.reject(new Error("Region is missing")) },
    });

    await access.credentials(target);

    expect(sim.calls.map(({ region }) => region)).toEqual(["eu-west-1", "eu-west-1"]);
  });
});

/** Sessions of one hour, numbered. Errors that wait in `failures` come first. */
function createWorldRenewedCredentials(minutes = 60) {
  const clock = createFakeClock();
  const failures: Error[] = [];
  let loads = 0;
  const session = createRenewedCredentials({
    clock,
    logger: silentLogger,
    async load() {
      loads += 1;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const expiration = new Date(clock.now() + minutes * MINUTE);
      return { accessKeyId: `key-${loads}`, secretAccessKey: "s", sessionToken: "t", expiration };
    },
  });
  const key = async (share?: number): Promise<string> => (await session.get(share)).accessKeyId;
  return { clock, failures, key, loads: () => loads };
}

const passing = (): Error => new StackyardError("UNREACHABLE", "x");
const denied = (): Error => new StackyardError("FORBIDDEN", "x");

describe("a session", () => {
  it("is begun once for all who ask at the same time", async () => {
    const { key, loads } = createWorldRenewedCredentials();

    expect(await Promise.all([key(), key(), key()])).toEqual(["key-1", "key-1", "key-1"]);
    expect(loads()).toBe(1);
  });

  it("is renewed in the background in the last quarter of its time", async () => {
    const { clock, key } = createWorldRenewedCredentials();
    await key();

    await clock.advance(44 * MINUTE);
    expect(await key()).toBe("key-1");
    await clock.advance(2 * MINUTE);
    expect(await key()).toBe("key-1");
    await clock.advance(0);

    expect(await key()).toBe("key-2");
  });

  it("is waited for when less is left than the caller needs", async () => {
    const { clock, key } = createWorldRenewedCredentials();
    await key();
    await clock.advance(20 * MINUTE);

    expect(await key(0.75)).toBe("key-2");
    expect(await key(0.75)).toBe("key-2");
  });

  it("of a quarter of an hour, the shortest there is, is not begun with each call", async () => {
    const { clock, key, loads } = createWorldRenewedCredentials(15);

    for (let minute = 0; minute < 10; minute += 1) {
      expect(await key()).toBe("key-1");
      await clock.advance(MINUTE);
    }
    await clock.advance(1);

    expect(await key()).toBe("key-2");
    expect(loads()).toBe(2);
  });

  it("is used until it expires while renewals fail transiently, without constant retries", async () => {
    const { clock, failures, key, loads } = createWorldRenewedCredentials();
    await key();
    await clock.advance(57 * MINUTE);
    failures.push(passing(), passing());

    expect(await key()).toBe("key-1");
    expect(await key()).toBe("key-1");
    expect(loads()).toBe(2);
    await clock.advance(MINUTE);
    expect(await key()).toBe("key-1");
    await clock.advance(MINUTE);
    expect(await key()).toBe("key-4");
  });

  it("ends when the role was taken away, although it would last", async () => {
    const { clock, failures, key } = createWorldRenewedCredentials();
    await key();
    await clock.advance(57 * MINUTE);
    failures.push(denied());

    await expect(key()).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("fails without a session, and is retried by the next call", async () => {
    const { failures, key } = createWorldRenewedCredentials();
    failures.push(passing());

    await expect(key()).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(await key()).toBe("key-2");
  });
});
