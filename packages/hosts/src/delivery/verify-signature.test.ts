import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { hasGitLabToken, isSignedByGitHub, isSignedByStandard } from "./verify-signature.ts";

const body = '{"zen":"ünïcode"}';
const sign = (secret: string, text = body) => `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`;

describe("isSignedByGitHub", () => {
  // Source of the values: "Validating webhook deliveries", GitHub Docs, "Testing the webhook payload validation".
  it("accepts the example of GitHub's documentation", async () => {
    const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const delivery = { headers: { "x-hub-signature-256": signature }, body: "Hello, World!" };

    expect(await isSignedByGitHub(delivery, ["It's a Secret to Everybody"])).toBe(true);
  });

  it("accepts each of several secrets, so that they can be rotated", async () => {
    const delivery = { headers: { "x-hub-signature-256": sign("old") }, body };

    expect(await isSignedByGitHub(delivery, ["new", "old"])).toBe(true);
  });

  it.each([
    ["another secret", { "x-hub-signature-256": sign("other") }],
    ["another body", { "x-hub-signature-256": sign("secret", `${body} `) }],
    ["no signature", {}],
    ["the older algorithm only", { "x-hub-signature": "sha1=00" }],
    ["a signature that is cut", { "x-hub-signature-256": sign("secret").slice(0, -1) }],
    ["a signature that is empty", { "x-hub-signature-256": "" }],
  ])("refuses %s", async (_, headers) => {
    expect(await isSignedByGitHub({ headers, body }, ["secret"])).toBe(false);
  });

  it("refuses everything without a secret, also what is signed with an empty one", async () => {
    const delivery = { headers: { "x-hub-signature-256": sign("") }, body };

    expect(await isSignedByGitHub(delivery, [""])).toBe(false);
    expect(await isSignedByGitHub(delivery, [])).toBe(false);
  });
});

describe("isSignedByStandard", () => {
  const secret = `whsec_${Buffer.from("0123456789abcdef01234567").toString("base64")}`;
  const headersAt = (at: Date) => ({
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", at, body),
  });

  it("accepts a message of now", () => {
    expect(isSignedByStandard({ headers: headersAt(new Date()), body }, ["whsec_AAAA", secret])).toBe(true);
  });

  it("refuses a message that is older than five minutes, and one for another id", () => {
    const now = new Date();
    expect(isSignedByStandard({ headers: headersAt(new Date(now.getTime() - 301_000)), body }, [secret])).toBe(false);
    expect(isSignedByStandard({ headers: { ...headersAt(now), "webhook-id": "msg_2" }, body }, [secret])).toBe(false);
  });

  it("refuses a message without headers, and secrets that are not base64", () => {
    expect(isSignedByStandard({ headers: {}, body }, [secret])).toBe(false);
    expect(isSignedByStandard({ headers: headersAt(new Date()), body }, ["%%%", ""])).toBe(false);
  });
});

describe("hasGitLabToken", () => {
  it("accepts one of the secrets, and nothing else", () => {
    expect(hasGitLabToken({ headers: { "x-gitlab-token": "b" }, body }, ["a", "b"])).toBe(true);
    expect(hasGitLabToken({ headers: { "x-gitlab-token": "c" }, body }, ["a", "b"])).toBe(false);
    expect(hasGitLabToken({ headers: { "x-gitlab-token": "" }, body }, [""])).toBe(false);
    expect(hasGitLabToken({ headers: {}, body }, ["a"])).toBe(false);
  });
});
