import { createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { evaluateUrl, isAllowedKey } from "@stackyard/consumer";
import type { AwsCredentials } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSignerCredentials, createUrlSigner, decideUrlLife } from "./url-signer.ts";

const NOW = Date.UTC(2026, 10, 20, 6, 0, 0, 400);
const HOUR = 3_600_000;
const SESSION = { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "secret", sessionToken: `tok/+=${"t".repeat(900)}` };

afterEach(() => vi.unstubAllEnvs());

interface SignerPlace {
  readonly bucket?: string;
  readonly region?: string;
  readonly pathStyle?: boolean;
}

function createSigner(place: SignerPlace = {}, leftMs = HOUR) {
  const clock = createFakeClock(NOW);
  let own: AwsCredentials = { ...SESSION, expiration: new Date(NOW + leftMs) };
  const rules = { bucket: "dist-bucket", region: "eu-west-1", ...place };
  const signer = createUrlSigner({ ...rules, credentials: async () => own, clock });
  const renew = (renewed: AwsCredentials) => {
    own = renewed;
  };
  return { clock, signer, rules, renew };
}

const parameter = (url: string, name: string) => new URL(url).searchParams.get(name);

describe("createUrlSigner", () => {
  it("signs the version of a key at the regional endpoint, and says the real end", async () => {
    const { signer } = createSigner();

    const { url, expiresAt } = await signer.sign({ key: "a/b.zip", versionId: "v/1", wantedSeconds: 3_600 });

    expect(url).toMatch(/^https:\/\/dist-bucket\.s3\.eu-west-1\.amazonaws\.com\/a\/b\.zip\?/);
    expect(parameter(url, "versionId")).toBe("v/1");
    expect(parameter(url, "X-Amz-Expires")).toBe("3300");
    expect(expiresAt).toBe(Date.UTC(2026, 10, 20, 6, 55));
  });

  it("never uses the global endpoint, and path style where the bucket's name has dots", async () => {
    const { signer: american } = createSigner({ region: "us-east-1" });
    const { signer: dotted } = createSigner({ bucket: "dist.bucket.example" });

    const urls = await Promise.all([american, dotted].map((each) => each.sign({ key: "a", wantedSeconds: 60 })));

    expect(urls.map(({ url }) => url.slice(0, url.indexOf("?")))).toEqual([
      "https://dist-bucket.s3.us-east-1.amazonaws.com/a",
      "https://s3.eu-west-1.amazonaws.com/dist.bucket.example/a",
    ]);
  });

  it("names AWS whatever the environment says, with the bucket in the path where that is wanted", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
    vi.stubEnv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4567");
    const signers = [createSigner(), createSigner({ pathStyle: true })];

    const urls = await Promise.all(signers.map(({ signer }) => signer.sign({ key: "a", wantedSeconds: 60 })));

    expect(urls.map(({ url }) => url.slice(0, url.indexOf("?")))).toEqual([
      "https://dist-bucket.s3.eu-west-1.amazonaws.com/a",
      "https://s3.eu-west-1.amazonaws.com/dist-bucket/a",
    ]);
    for (const { url } of urls) {
      expect(evaluateUrl(url, "a", { bucket: "dist-bucket", region: "eu-west-1" })).toMatchObject({ kind: "good" });
    }
  });

  it("signs nothing with credentials that are about to expire, and continues with newer ones", async () => {
    const { signer, renew } = createSigner({}, 599_000);
    const wish = { key: "a", wantedSeconds: 3_600 };

    await expect(signer.sign(wish)).rejects.toMatchObject({ code: "SERVER_ERROR", retryable: true });
    renew({ ...SESSION, accessKeyId: "ASIANEWER", expiration: new Date(NOW + HOUR) });
    const { url } = await signer.sign(wish);

    expect(parameter(url, "X-Amz-Credential")).toBe("ASIANEWER/20261120/eu-west-1/s3/aws4_request");
  });

  it("rejects a URL that consumers would not read, without telling it", async () => {
    const { signer, renew } = createSigner();
    renew({ ...SESSION, sessionToken: "t".repeat(8_000) });

    const refused = signer.sign({ key: "a".repeat(1_000), wantedSeconds: 60 });

    await expect(refused).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: expect.not.stringMatching(/ttt/),
    });
  });

  it("makes URLs that consumers take, in every partition that they know, for every key that they store", async () => {
    const place = fc.constantFrom(
      { region: "eu-west-1", partition: "aws" },
      { region: "us-east-1", partition: "aws" },
      { region: "cn-north-1", partition: "aws-cn" },
      { region: "us-gov-west-1", partition: "aws-us-gov" },
    );
    const bucket = fc.constantFrom("dist-bucket", "tts-cloud-artifacts-111122223333-eu-west-1", "dist.bucket.example");
    const odd = fc.constantFrom(
      " ",
      "+",
      "%",
      "%2F",
      "%zz",
      "ü",
      "日本",
      "😀",
      "'",
      "(",
      "!",
      "*",
      "~",
      "=",
      "&",
      "?",
      "#",
      ":",
      "@",
    );
    const segment = fc.array(fc.oneof(odd, fc.string({ maxLength: 5, unit: "grapheme" })), { maxLength: 5 });
    const key = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .map((segments) => segments.map((parts) => parts.join("")).join("/"))
      .filter(isAllowedKey);

    await fc.assert(
      fc.asyncProperty(place, bucket, key, async ({ region, partition }, name, each) => {
        const { signer, rules } = createSigner({ bucket: name, region });

        const { url, expiresAt } = await signer.sign({ key: each, versionId: "v1", wantedSeconds: 900 });

        expect(evaluateUrl(url, each, { ...rules, partition })).toEqual({ kind: "good", expiresAt });
      }),
    );
  });
});

const SIGNED_AT = Date.UTC(2026, 10, 20, 6);
const MINUTE = 60_000;

describe("decideUrlLife", () => {
  it.each([
    ["as long as wanted", 900, 60, 900],
    ["until five minutes before the credentials end", 3_600, 60, 3_300],
    ["until then also with the least that may be left", 3_600, 10, 300],
    ["seven days at most", 1_000_000, undefined, 604_800],
    ["a second at least", 0, 60, 1],
  ])("lasts %s", (_what, wantedSeconds, leftMinutes, seconds) => {
    const credentialsExpireAt =
      leftMinutes === undefined ? {} : { credentialsExpireAt: SIGNED_AT + leftMinutes * MINUTE };

    const life = decideUrlLife({ wantedSeconds, now: SIGNED_AT, ...credentialsExpireAt });

    expect(life).toEqual({ kind: "sign", seconds, expiresAt: SIGNED_AT + seconds * 1_000 });
  });

  it.each([10 * MINUTE - 1, 0, -MINUTE])("requests other credentials with %i ms left", (leftMs) => {
    expect(decideUrlLife({ wantedSeconds: 60, credentialsExpireAt: SIGNED_AT + leftMs, now: SIGNED_AT })).toEqual({
      kind: "renew",
      leftSeconds: Math.floor(leftMs / 1_000),
    });
  });

  it("never outlives its credentials, its wish or a week", () => {
    const input = fc.record({
      wantedSeconds: fc.integer({ min: 1, max: 2_000_000 }),
      leftMs: fc.integer({ min: -MINUTE, max: 2_000_000_000 }),
      now: fc.integer({ min: SIGNED_AT, max: SIGNED_AT + 1_000_000 }),
    });
    fc.assert(
      fc.property(input, ({ wantedSeconds, leftMs, now }) => {
        const life = decideUrlLife({ wantedSeconds, credentialsExpireAt: now + leftMs, now });

        if (life.kind === "renew") {
          expect(leftMs).toBeLessThan(10 * MINUTE);
          return;
        }
        expect(life.seconds).toBeGreaterThanOrEqual(1);
        expect(life.seconds).toBeLessThanOrEqual(Math.min(wantedSeconds, 604_800));
        expect(life.expiresAt).toBeLessThanOrEqual(now + leftMs - 5 * MINUTE);
      }),
    );
  });
});

const PLACE = { account: "111122223333", region: "eu-west-1" };

function createSigning() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const function_ = sim.iam.addRole({ account: PLACE.account, name: "function" });
  const role = sim.iam.addRole({ account: PLACE.account, name: "signer", trusts: [PLACE.account] });
  const own = sim.iam.beginSession(function_, { name: "f", endsAt: clock.now() + 24 * HOUR });
  const access = createAwsAccess({
    clock,
    region: PLACE.region,
    credentials: own,
    session: { name: "signer" },
    plugins: [createSimPlugin(sim) as never],
  });
  sim.s3.createBucket({ name: "dist-bucket", ...PLACE });
  sim.s3.write("dist-bucket", "a", "x");
  return { clock, sim, access, roleArn: role.arn };
}

describe("createSignerCredentials", () => {
  it("lets a role sign, and renews its sessions so that no URL is ever shorter than half an hour", async () => {
    const { clock, sim, access, roleArn } = createSigning();
    const credentials = createSignerCredentials({ access, ...PLACE, roleArn, clock });
    const signer = createUrlSigner({ bucket: "dist-bucket", region: PLACE.region, credentials, clock });

    for (let round = 0; round < 12; round += 1) {
      const { url, expiresAt } = await signer.sign({ key: "a", wantedSeconds: 7_200 });
      expect(expiresAt - clock.now()).toBeGreaterThan(HOUR / 2);
      expect((await sim.fetch(url)).status).toBe(200);
      await clock.advance(HOUR / 4);
    }
    expect(sim.calls.filter(({ operation }) => operation === "STS.AssumeRole").length).toBeGreaterThan(2);
  });

  it("takes a function's own credentials as good for an hour, and a user's as without an end", async () => {
    const { clock } = createSigning();
    const user = { accessKeyId: "AKIA", secretAccessKey: "s" };
    const told = { ...user, sessionToken: "t", expiration: new Date(clock.now() + 60_000) };
    const read = (own: AwsCredentials) =>
      createSignerCredentials({ access: { credentials: async () => own }, ...PLACE, clock })();

    const ends = await Promise.all([user, told, { ...user, sessionToken: "t" }].map(read));

    expect(ends.map(({ expiration }) => expiration && expiration.getTime() - clock.now())).toEqual([
      ...[undefined, 60_000, HOUR + 5 * 60_000],
    ]);
  });
});
