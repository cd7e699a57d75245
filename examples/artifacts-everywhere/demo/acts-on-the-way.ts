import { type Act, findBroken } from "./act.ts";
import { findSide } from "./consumer-side.ts";
import { CONSUMERS } from "./places.ts";
import { findCell, MINUTE_MS, passMinutes, publishVersion, waitUntilCovered } from "./publish.ts";

const MIB = 1_024 ** 2;

const TEMPLATE = "AWSTemplateFormatVersion: '2010-09-09'\nDescription: what runs where\n";

/** One publication of several files, one of which goes in parts. */
export const publication: Act = {
  name: "published",
  title: "One artifact of three files is published, once: an archive, a template, and an image of 66 MiB.",
  async run(world) {
    const version = { name: "billing-api", version: "1.0.0" };
    await publishVersion(world, version, [
      { path: "app.zip", body: Buffer.alloc(300_000, "zip"), contentType: "application/zip" },
      { path: "template.yaml", body: Buffer.from(TEMPLATE), contentType: "text/yaml" },
      { path: "disk.img", body: Buffer.alloc(66 * MIB, "disk image ") },
    ]);
    const { isCovered, told } = await waitUntilCovered(world, version);
    const isInParts = world.consumers.every(({ bucket }) =>
      world.sim.s3.findObject(bucket, "billing-api/1.0.0/disk.img")?.etag.includes("-"),
    );
    return {
      told: [told],
      faults: findBroken({ "it stands everywhere": isCovered, "the image came in parts": isInParts }),
    };
  },
};

/** Half of a file arrives. */
export const truncation: Act = {
  name: "truncated",
  title: "A connection breaks in the middle of a file.",
  async run(world) {
    const version = { name: "billing-api", version: "1.1.0" };
    const { accessKeyId: reader } = findSide(world, CONSUMERS.virginia);
    world.wire.harm({ key: "billing-api/1.1.0/app.zip", kind: "truncated", reader, times: 1 });
    const before = world.wire.harmed;
    await publishVersion(world, version, [{ path: "app.zip", body: Buffer.alloc(400_000, "zip!") }]);
    const { isCovered, told } = await waitUntilCovered(world, version);
    const isHarmed = world.wire.harmed === before + 1;
    return {
      told: [`Half of it was thrown away; the queue delivered the message again. ${told}`],
      faults: findBroken({ "one read broke": isHarmed, "it was tried again and stored": isCovered }),
    };
  },
};

/** A consumer that is down longer than URLs live. */
export const expiry: Act = {
  name: "expired",
  title: "The function in sydney fails for 70 minutes, whatever it is called with; URLs live for an hour.",
  async run(world) {
    const version = { name: "console", version: "2.0.0" };
    const sydney = findSide(world, CONSUMERS.sydney);
    sydney.isDown = true;
    await publishVersion(world, version, [{ path: "console.tar", body: Buffer.alloc(50_000, "tar") }]);
    await passMinutes(world, 70);
    const meanwhile = await findCell(world, version, CONSUMERS.sydney);
    const events = world.distributor.receipts.length;
    sydney.isDown = false;
    const { isCovered, told } = await waitUntilCovered(world, version);
    const asked = () =>
      world.distributor.receipts
        .slice(events)
        .some((event) => event["detail-type"] === "artifact.refresh" && event.account === CONSUMERS.sydney.account);
    const hasAsked = await world.passUntil(async () => asked(), 60 * MINUTE_MS);
    return {
      told: [
        `Meanwhile the matrix said "${meanwhile?.status}" there.${hasAsked ? " It requested a new URL." : ""} ${told}`,
      ],
      faults: findBroken({
        "sydney was overdue": meanwhile?.status === "overdue",
        "it requested a new URL": hasAsked,
        "it stands everywhere": isCovered,
      }),
    };
  },
};
