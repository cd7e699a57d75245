import { describe, expect, it } from "vitest";
import { findSecrets } from "./find-secrets.ts";

const tell = (line: number, what: string) =>
  `Line ${line} of the user data looks like ${what}. Others can read it: load it when the server boots.`;

describe("findSecrets", () => {
  it.each([
    ["-----BEGIN RSA PRIVATE KEY-----", "a private key"],
    ["-----BEGIN PRIVATE KEY-----", "a private key"],
    [`export KEY=AKIA${"ABCDEFGH".repeat(2)}`, "an AWS access key"],
    [`git clone x ghp_${"a1".repeat(18)}`, "a GitHub token"],
    [`SLACK=xoxb-${"1".repeat(12)}`, "a Slack token"],
    ["DATABASE=postgres://shop:hunter22@db/shop", "a password in a URL"],
    ["DB_PASSWORD=correct-horse", "a password or token"],
    ['  "api_key": "0123456789"', "a password or token"],
  ])("warns of %s", (line, what) => {
    expect(findSecrets(`#!/bin/sh\n${line}\n`)).toEqual([tell(2, what)]);
  });

  it.each([
    "",
    "#!/bin/sh\nyum install -y nginx",
    "PASSWORD=$(aws secretsmanager get-secret-value --secret-id shop)",
    'TOKEN="$' + '{TOKEN}"',
    "curl https://acme.test/install.sh",
    "DATABASE=postgres://shop:$" + "{PASSWORD}@db/shop",
    "-----BEGIN CERTIFICATE-----",
  ])("does not warn of %j", (text) => {
    expect(findSecrets(text)).toEqual([]);
  });

  it("tells each line, and never what is in it", () => {
    const found = findSecrets("password=hunter2hunter2\nok\nsecret: hunter2hunter2");

    expect(found).toEqual([tell(1, "a password or token"), tell(3, "a password or token")]);
    expect(found.join()).not.toContain("hunter2");
  });

  it("is done with long lines at once", () => {
    expect(findSecrets("a:/".repeat(20_000))).toEqual([]);
  });
});
