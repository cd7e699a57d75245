import { createHash } from "node:crypto";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { CreateTopicCommand, ListTopicsCommand } from "@aws-sdk/client-sns";
import { type AwsSim, createAwsSim } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clients, closeClients, createClients } from "./clients.ts";
import { DISTRIBUTOR, SOURCE_BUCKET } from "./places.ts";
import { openWire, type Wire } from "./wire.ts";

const BODY = "0123456789";

describe("the wire", () => {
  let sim: AwsSim;
  let wire: Wire;
  let clients: Clients;
  beforeEach(async () => {
    sim = createAwsSim({ clock: createFakeClock() });
    wire = await openWire(sim, SOURCE_BUCKET);
    clients = createClients(sim, wire.url, DISTRIBUTOR);
    sim.s3.createBucket({ ...DISTRIBUTOR, name: SOURCE_BUCKET });
    sim.s3.write(SOURCE_BUCKET, "a/b", BODY);
  });
  afterEach(async () => {
    closeClients(clients);
    await wire.stop();
  });

  async function read(as = clients): Promise<string | undefined> {
    const { Body } = await as.s3.send(new GetObjectCommand({ Bucket: SOURCE_BUCKET, Key: "a/b" }));
    return Body?.transformToString();
  }

  it("leads to topics and buckets at one address", async () => {
    await clients.sns.send(new CreateTopicCommand({ Name: "news" }));

    const { Topics } = await clients.sns.send(new ListTopicsCommand({}));

    expect([Topics?.length, await read()]).toEqual([1, BODY]);
  });

  it("returns different bytes of the same length to one reader, as often as configured", async () => {
    const other = createClients(sim, wire.url, DISTRIBUTOR);
    const reader = clients.credentials.accessKeyId;
    wire.harm({ key: "a/b", kind: "wrong bytes", reader, times: 1 });

    const found = [await read(other), await read(), await read()];

    expect(found).toEqual([BODY, "1123456789", BODY]);
    expect(wire.harmed).toBe(1);
    closeClients(other);
  });

  it("breaks off in the middle until it is healed", async () => {
    const heal = wire.harm({ key: "a/b", kind: "truncated", reader: clients.credentials.accessKeyId });

    await expect(read()).rejects.toThrow();
    heal();

    expect(
      createHash("md5")
        .update(String(await read()))
        .digest("hex"),
    ).toBe(createHash("md5").update(BODY).digest("hex"));
  });
});
