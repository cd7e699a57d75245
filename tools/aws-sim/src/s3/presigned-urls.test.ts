import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { describe, expect, it } from "vitest";
import { ACCOUNT, BUCKET, createWorld } from "../testing/a-world.ts";

type World = ReturnType<typeof createWorld>;

function sign({ client, clock }: World, key: string, expiresIn = 900, as?: World["credentials"]): Promise<string> {
  const command = new GetObjectCommand({ Bucket: BUCKET, Key: key });
  return getSignedUrl(client(S3Client, as), command, { expiresIn, signingDate: new Date(clock.now()) });
}

describe("a presigned URL", () => {
  it("returns what its holder requests, also a range of it", async () => {
    const world = createWorld();
    world.sim.s3.write(BUCKET, "a/b c.zip", "0123456789");
    const url = await sign(world, "a/b c.zip");

    const whole = await world.sim.fetch(url);
    const part = await world.sim.fetch(url, { headers: { Range: "bytes=2-3" } });

    expect([whole.status, await whole.text()]).toEqual([200, "0123456789"]);
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([206, "23", "bytes 2-3/10"]);
  });

  it("is over at its end", async () => {
    const world = createWorld();
    world.sim.s3.write(BUCKET, "a", "x");
    const url = await sign(world, "a");

    await world.clock.advance(900_000 - 1);
    expect((await world.sim.fetch(url)).status).toBe(200);
    await world.clock.advance(1);

    const late = await world.sim.fetch(url);
    const now = new Date(world.clock.now()).toISOString();
    const told = `<X-Amz-Expires>900</X-Amz-Expires><Expires>${now}</Expires><ServerTime>${now}</ServerTime>`;
    expect([late.status, await late.text()]).toEqual([
      403,
      expect.stringContaining(`<Code>AccessDenied</Code><Message>Request has expired</Message>${told}`),
    ]);
  });

  it("is over with the session that signed it, although its own end is later", async () => {
    const world = createWorld();
    const { sim, clock } = world;
    sim.s3.write(BUCKET, "a", "x");
    const role = sim.iam.addRole({ account: ACCOUNT, name: "publisher" });
    const session = sim.iam.beginSession(role, { name: "s", endsAt: clock.now() + 60_000 });
    const url = await sign(world, "a", 604_800, session);

    expect((await sim.fetch(url)).status).toBe(200);
    await clock.advance(60_000);

    expect(await (await sim.fetch(url)).text()).toContain("<Code>ExpiredToken</Code>");
  });

  it("lasts a week at most", async () => {
    const world = createWorld();
    const url = (await sign(world, "a")).replace("X-Amz-Expires=900", "X-Amz-Expires=604801");

    expect(await (await world.sim.fetch(url)).text()).toContain("AuthorizationQueryParametersError");
  });

  it.each([
    ["another key", (url: string) => url.replace("/a?", "/b?")],
    ["a longer life", (url: string) => url.replace("Expires=900", "Expires=9000")],
    ["another signature", (url: string) => url.replace(/Signature=..../, "Signature=0000")],
    ["another version", (url: string) => `${url}&versionId=a%26b`],
  ])("is good for nothing else: with %s it is refused", async (_, change) => {
    const world = createWorld();
    world.sim.s3.write(BUCKET, "b", "x");

    const answer = await world.sim.fetch(change(await sign(world, "a")));

    const text = await answer.text();
    expect([answer.status, text]).toEqual([403, expect.stringContaining("<Code>SignatureDoesNotMatch</Code>")]);
    // S3 repeats what it was sent, so it must not be logged.
    expect(text).toMatch(/<SignatureProvided>[0-9a-f]{64}<\/SignatureProvided>/);
  });

  it("takes an object, and the errors of the operation are answered as XML", async () => {
    const { client, clock, sim } = createWorld();
    const command = new PutObjectCommand({ Bucket: BUCKET, Key: "up" });
    const url = await getSignedUrl(client(S3Client), command, { signingDate: new Date(clock.now()) });

    expect((await sim.fetch(url, { method: "PUT", body: "new" })).status).toBe(200);
    expect(sim.s3.texts(BUCKET)).toEqual({ up: "new" });
    const missing = await sim.fetch(await sign({ client, clock } as World, "missing"));
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("<Code>NoSuchKey</Code>")]);
  });
});
