import { beforeAll, describe, expect, it } from "vitest";
import { type ConsumerWorld, createConsumerWorld } from "../testing/a-consumer-world.ts";
import { DISTRIBUTOR_OUTPUTS } from "../testing/an-artifacts-app.ts";
import { type Call, findGrants } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { ACCOUNT, REGION, resolveTemplate } from "../testing/resolve-template.ts";
import { findDenied, findUnused } from "../testing/start-deployment.ts";
import { toArtifactCalls } from "../testing/to-artifact-calls.ts";

const body = findBody("consumer", { inline: true });
const deploy = (parameters: Readonly<Record<string, string>>) =>
  resolveTemplate(JSON.parse(body), { ...DISTRIBUTOR_OUTPUTS, ...parameters });
const template = deploy({ Retire: "true", EmptyOnDelete: "true" });
const small = Buffer.from("a zip");
const DAY_MS = 86_400_000;
const large = Buffer.alloc(11 * 1_024 ** 2, "x");

/** Every action of each statement that no call has needed. */
function findIdle(role: string, calls: readonly Call[]): readonly string[] {
  const used = new Set(calls.map(({ action }) => action));
  return [...new Set(findGrants(template, role).flatMap(({ actions }) => actions))].filter((each) => !used.has(each));
}

describe("a consumer with the roles of its template", () => {
  let world: ConsumerWorld;
  const callsOf = (role: Parameters<ConsumerWorld["callsOf"]>[0]) => toArtifactCalls(world.callsOf(role));
  let steps: readonly unknown[] = [];
  /** Hours later it ends abandoned uploads, and deletes records. */
  async function sweep(version: string) {
    await world.pass(2 * DAY_MS);
    return world.deliver([world.publish(`billing-api/${version}/app.zip`, small)]);
  }
  beforeAll(async () => {
    world = createConsumerWorld(template);
    const bucket = world.resource("AdoptedBucket");
    const trigger = world.resource("InitialSetTrigger");
    const made = [await bucket.create(), await trigger.create()];
    const one = world.publish("billing-api/1.4.2/app.zip", small);
    const two = world.publish("billing-api/1.4.3/app.zip", large);
    const copied = await world.deliver([one, two]);
    const wrong = world.publish("billing-api/1.4.4/app.zip", large);
    const facts = { name: "billing-api", version: "1.4.4", size: large.length, sha256: "0".repeat(64) };
    const refused = await world.deliver([{ ...wrong, artifact: { ...facts, contentType: "application/zip" } }]);
    const parked = await world.deliver([{ ...one, source: { bucket: "another" } }]);
    const retired = await world.deliver([{ ...one, retire: true }]);
    const later = [await sweep("1.4.5"), await sweep("1.4.6")];
    steps = [made, copied, refused, parked, retired, later, await trigger.delete(), await bucket.delete()];
  });

  it("does all of its work", () => {
    expect(steps).toEqual([
      ["CREATE_COMPLETE", "CREATE_COMPLETE"],
      [],
      ["m-0"],
      [],
      [],
      [[], []],
      ...["DELETE_COMPLETE", "DELETE_COMPLETE"],
    ]);
    const told = world.sim.eventBridge.waiting.map((event) => event["detail-type"]);
    expect(told[0]).toBe("consumer.registered");
    expect(told).toContain("artifact.receipt");
    expect(told.at(-1)).toBe("consumer.unregistered");
  });

  it.each(["CopyRole", "InitialSetTriggerRole", "AdoptedBucketRole"] as const)("calls only what %s allows", (role) => {
    expect(callsOf(role).length).toBeGreaterThan(1);
    expect(findDenied(findGrants(template, role), callsOf(role))).toEqual([]);
  });

  it("copies with every right of its role; Lambda reads the queue and writes logs with it", () => {
    const calls = callsOf("CopyRole");

    expect(findUnused(findGrants(template, "CopyRole"), calls)).toEqual(["Logs Write"]);
    expect(findIdle("CopyRole", calls)).toEqual([
      ...["logs:CreateLogStream", "logs:PutLogEvents"],
      ...["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    ]);
  });

  it("requests its set with every right of that role", () => {
    expect(findUnused(findGrants(template, "InitialSetTriggerRole"), callsOf("InitialSetTriggerRole"))).toEqual([
      "Logs Write",
    ]);
  });

  it("creates, adopts, closes, empties and deletes its bucket with every right of that role", async () => {
    const other = createConsumerWorld(deploy({ KmsKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd" }));
    other.sim.s3.createBucket({ account: ACCOUNT, region: REGION, name: `stackyard-artifacts-${ACCOUNT}-${REGION}` });
    expect(await other.resource("AdoptedBucket").create()).toBe("CREATE_COMPLETE");
    const calls = [...callsOf("AdoptedBucketRole"), ...toArtifactCalls(other.callsOf("AdoptedBucketRole"))];

    expect(findDenied(findGrants(template, "AdoptedBucketRole"), calls)).toEqual([]);
    expect(findIdle("AdoptedBucketRole", calls)).toEqual([...["logs:CreateLogStream", "logs:PutLogEvents"]]);
  });
});
