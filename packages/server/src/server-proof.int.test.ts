import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SECRET = "a-secret-of-the-tests-with-enough-characters";
const challenge = "c".repeat(43);

const yards: TestYard[] = [];
afterEach(async () => {
  for (const yard of yards.splice(0)) await yard.stop();
});

async function startYard(options: { readonly proofSecret?: string }) {
  const yard = createTestYard(options);
  yards.push(yard);
  const { url } = await yard.server.start();
  return { url, port: Number(new URL(url).port) };
}

const ask = (url: string, text: string) => fetch(`${url}/v1/proof?challenge=${text}`);

describe("GET /v1/proof", () => {
  it("answers a challenge without a token, under the secret and for the server's own port", async () => {
    const { url, port } = await startYard({ proofSecret: SECRET });

    const answer = await ask(url, challenge);

    const proof = createHmac("sha256", SECRET).update(`stackyard-server\n${port}\n${challenge}`).digest("base64url");
    expect(await answer.json()).toEqual({ proof });
  });

  it("answers another server's clients for its own port, whatever name and port they call it by", async () => {
    const [one, two] = [await startYard({ proofSecret: SECRET }), await startYard({ proofSecret: SECRET })];
    const proofOf = async (url: string) => (await ask(url, challenge)).text();

    expect(await proofOf(one.url)).not.toBe(await proofOf(two.url));
  });

  it.each(["", "short", "c".repeat(44), `${"c".repeat(42)}%0A`])("refuses the challenge %j", async (text) => {
    const { url } = await startYard({ proofSecret: SECRET });

    expect((await ask(url, text)).status).toBe(400);
  });

  it("is not there without a secret, and no short one is taken", async () => {
    const { url } = await startYard({});

    expect((await ask(url, challenge)).status).toBe(404);
    expect(() => createTestYard({ proofSecret: "a-token-of-20-chars-" })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
