import { createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { AwsCredentials } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createSignerCredentials } from "./signer-credentials.ts";
import { createUrlSigner } from "./url-signer.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const HOUR = 3_600_000;

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
