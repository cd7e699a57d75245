import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";

/** Claims of every shape in tokens that the issuer has signed: none is an error of the server. */
const CLAIMS = { repository_id: "424242", ref: "refs/heads/main", repository: "acme/web", sub: "repo:acme/web" };
const ACCESS = {
  workloads: [{ name: "github", issuer: "" }],
  grants: [
    {
      to: { workload: "github", claims: { repository_id: "424242", ref: "refs/heads/main" } },
      role: "operator" as const,
    },
  ],
};

const nest = (depth: number): unknown => (depth === 0 ? "x" : { in: [nest(depth - 1)] });
const SHAPES: Readonly<Record<string, unknown>> = {
  "an object": { a: 1 },
  "an object that is a text": { toString: "acme/web", valueOf: 1, toJSON: "x" },
  "an object with a prototype": JSON.parse('{"__proto__":{"x":1},"constructor":{"name":"x"}}'),
  "a list": ["refs/heads/main"],
  "a list of lists": [[["424242"]]],
  "an empty list": [],
  "a number": 424242,
  "a huge number": 1e308,
  "a negative number": -1,
  "a fraction": 0.5,
  null: null,
  true: true,
  "an empty text": "",
  "a half of a surrogate pair": "\ud800",
  "a deep object": nest(200),
  "a text of 1 MB": "x".repeat(1_048_576),
  "a list of 10,000": Array.from({ length: 10_000 }, (_, n) => `g${n}`),
};
const NAMES = [
  "sub",
  "aud",
  "exp",
  "iat",
  "nbf",
  "jti",
  "repository",
  "repository_id",
  "project_id",
  "project_path",
  "ref",
];

let world: LoginWorld;
beforeAll(async () => {
  world = await startLoginWorld({ access: ACCESS, trustedProxies: ["127.0.0.1"] });
});
afterAll(() => world.stop());

let caller = 0;

/** Posts from an address of its own: the 60 wrong tokens that one address may send a minute are not what this is about. */
async function post(path: string, fields: Readonly<Record<string, string>>) {
  caller += 1;
  const headers = { "x-forwarded-for": `10.0.${caller >> 8}.${caller & 255}` };
  const response = await fetch(`${world.url}${path}`, { method: "POST", headers, body: new URLSearchParams(fields) });
  return { status: response.status, text: await response.text() };
}

function sign(changed: Readonly<Record<string, unknown>>): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return world.issuer.sign({ ...CLAIMS, aud: world.url, iat: now, exp: now + 300, ...changed });
}

describe.each(NAMES)("the claim %s", (name) => {
  it.each(Object.keys(SHAPES))(
    "may be %s in the token of a job, and is never an error of the server",
    async (shape) => {
      const subject_token = await sign({ [name]: SHAPES[shape] });

      const { status, text } = await post("/auth/token", {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token,
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      });

      expect([200, 400, 401, 403, 413], text.slice(0, 300)).toContain(status);
      // What a grant compares is a text; a number is the same number as a text.
      const isCompared = name === "ref" || name === "repository_id";
      if (isCompared && shape !== "a number") expect(status, text.slice(0, 300)).not.toBe(200);
      if (name === "repository_id" && shape === "a number") expect(status, text).toBe(200);
      expect(text.length).toBeLessThan(4_096);
    },
  );
});

describe.each(["sub", "sid", "aud", "iat", "events", "jti", "nonce"])("the claim %s", (name) => {
  it.each(Object.keys(SHAPES))("may be %s in a logout token, and is never an error of the server", async (shape) => {
    const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
    const logout_token = await sign({ aud: "stackyard", events, jti: "j", [name]: SHAPES[shape] });

    const { status, text } = await post("/auth/backchannel-logout", { logout_token });

    expect([200, 400, 401, 413], text.slice(0, 300)).toContain(status);
  });
});
