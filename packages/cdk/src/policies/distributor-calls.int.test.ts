import { beforeAll, describe, expect, it } from "vitest";
import { CONSUMER_PLACE, createDistributorWorld, type DistributorWorld } from "../testing/a-distributor-world.ts";
import { DISTRIBUTOR_APP } from "../testing/an-artifacts-app.ts";
import { findGrants } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";
import { findDenied, findUnused } from "../testing/start-deployment.ts";
import { toArtifactCalls } from "../testing/to-artifact-calls.ts";

const body = findBody("distributor");
const template = resolveTemplate(JSON.parse(body), {
  ...DISTRIBUTOR_APP,
  ArtifactPrefix: "artifacts/",
  UploadPrefix: "uploads/",
  KeepDays: "30",
});
const DAY_MS = 86_400_000;

describe("a distributor with the roles of its template", () => {
  let world: DistributorWorld;
  let fetched = "";
  let replayed: unknown;
  const callsOf = (role: "DistributorRole" | "SignerRole") => toArtifactCalls(world.callsOf(role));
  beforeAll(async () => {
    world = createDistributorWorld(template);
    const { account } = CONSUMER_PLACE;
    const detail = { v: 1, ...CONSUMER_PLACE, bucket: "copies", capabilities: ["v2", "sha256"] };
    await world.handle({ source: "stackyard.consumer", account, "detail-type": "consumer.registered", detail });
    await world.publish("1.4.2");
    await world.receive("1.4.2");
    await world.upload("uploads/shop/dev/40/packaged.yaml");
    const [message] = world.sent();
    const answer = await world.sim.fetch(String(message?.["ArtifactUrl"]));
    fetched = await answer.text();
    replayed = await world.handle({ op: "replay", ...CONSUMER_PLACE });
    await world.pass(31 * DAY_MS);
    await world.publish("1.4.3");
    await world.receive("1.4.3");
    await world.pass(31 * DAY_MS);
    for (let turn = 0; turn < 3; turn += 1) await world.handle({ op: "schedule" });
  });

  it("does all of its work", () => {
    expect(fetched).toBe("content of 1.4.2");
    expect(replayed).toMatchObject({
      answer: { executionArn: expect.stringContaining("stackyard-distributor-initial-set") },
    });
    const keys = world.sent().map((each) => each["ArtifactKey"]);
    expect(keys).toEqual(
      expect.arrayContaining(["artifacts/billing-api/1.4.2/app.zip", "uploads/shop/dev/40/packaged.yaml"]),
    );
    const told = world.sim.eventBridge.waiting.map((event) => event["detail-type"]);
    expect(told).toContain("artifact.covered");
    expect(world.subscribers()).toEqual([CONSUMER_PLACE.account]);
  });

  it.each(["DistributorRole", "SignerRole"] as const)("calls only what %s allows", (role) => {
    expect(callsOf(role).length).toBeGreaterThan(0);
    expect(findDenied(findGrants(template, role), callsOf(role))).toEqual([]);
  });

  it("works with every right of its role; records are DynamoDB's, and Lambda writes logs and failures with it", () => {
    expect(findUnused(findGrants(template, "DistributorRole"), callsOf("DistributorRole"))).toEqual([
      ...["Logs Write", "Records Items"],
      "Failures Send",
    ]);
  });

  it("signs with every right of that role", () => {
    expect(findUnused(findGrants(template, "SignerRole"), callsOf("SignerRole"))).toEqual([]);
  });
});
