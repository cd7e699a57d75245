import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aService, USER_DATA } from "../testing/builders.ts";
import { createReleaseWorld } from "../testing/release-world.ts";
import { findSecrets, findUserDataFault, hashUserData, loadUserData, renderUserData } from "./user-data.ts";

const facts = {
  release_id: "r1",
  project_name: "acme/shop",
  config_name: "prod",
  service_name: "web",
  bucket: "releases",
  aws_account_id: "123",
  aws_region: "eu-west-1",
};

describe("renderUserData", () => {
  it.each([
    ["RELEASE_ID", "r1"],
    ["PROJECT_NAME", "acme/shop"],
    ["CONFIG_NAME", "prod"],
    ["SERVICE_NAME", "web"],
    ["RELEASE_BUCKET", "releases"],
    ["AWS_ACCOUNT_ID", "123"],
    ["AWS_REGION", "eu-west-1"],
    ["SHARED_PROJECT_DIR", "123/acme/shop/_shared"],
    ["RELEASE_DIR", "123/acme/shop/prod/r1"],
  ])("puts in the place of %s: %s", (token, value) => {
    expect(renderUserData(`a {{${token}}} b {{${token}}}`, facts)).toBe(`a ${value} b ${value}`);
  });

  it.each([
    "{{ RELEASE_ID }}",
    "{{release_id}}",
    "{{RELEASE}}",
    "{RELEASE_ID}",
    "{{RELEASE_ID",
    "$RELEASE_ID",
    "{{constructor}}",
    "{{}}",
  ])("leaves %s alone", (text) => {
    expect(renderUserData(text, facts)).toBe(text);
  });

  it("does not look again at what it has put in", () => {
    const tricky = { ...facts, release_id: "{{SERVICE_NAME}}", service_name: "$&$1" };

    expect(renderUserData("{{RELEASE_ID}} {{SERVICE_NAME}}", tricky)).toBe("{{SERVICE_NAME}} $&$1");
  });

  it("finds a token between other braces", () => {
    expect(renderUserData("{{{RELEASE_ID}}} {{{{RELEASE_ID}}}}", facts)).toBe("{r1} {{r1}}");
  });

  it("replaces missing values with an empty text", () => {
    expect(renderUserData("a{{RELEASE_ID}}b{{RELEASE_DIR}}c", {})).toBe("abc");
    expect(renderUserData(undefined, facts)).toBe("");
  });

  it("knows four tokens in the first generation", () => {
    const text = "{{RELEASE_ID}} {{PROJECT_NAME}} {{CONFIG_NAME}} {{SERVICE_NAME}} {{AWS_REGION}} {{RELEASE_DIR}}";

    expect(renderUserData(text, facts, "step-asg-deployer")).toBe(
      "r1 acme/shop prod web {{AWS_REGION}} {{RELEASE_DIR}}",
    );
  });

  it("leaves a text without tokens unchanged", () => {
    const plain = fc.string().filter((text) => !text.includes("{{"));

    fc.assert(fc.property(plain, (text) => renderUserData(text, facts) === text));
  });
});

describe("findUserDataFault", () => {
  it("counts bytes", () => {
    expect(findUserDataFault("x".repeat(16_384))).toBeUndefined();
    expect(findUserDataFault("é".repeat(8192))).toBeUndefined();
    expect(findUserDataFault("é".repeat(8193))).toBe(
      "The rendered user data has 16386 bytes; EC2 accepts 16384. Load the rest from a bucket.",
    );
  });
});

describe("hashUserData", () => {
  it("is that of the bytes", () => {
    expect(hashUserData("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hashUserData("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

const tell = (line: number, what: string) =>
  `Line ${line} of the user data looks like ${what}, and others can read it. Load it when the server boots.`;

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

  it("reports each line, and never its content", () => {
    const found = findSecrets("password=hunter2hunter2\nok\nsecret: hunter2hunter2");

    expect(found).toEqual([tell(1, "a password or token"), tell(3, "a password or token")]);
    expect(found.join()).not.toContain("hunter2");
  });

  it("is done with long lines at once", () => {
    expect(findSecrets("a:/".repeat(20_000))).toEqual([]);
  });
});

describe("loadUserData", () => {
  it("renders one template for each service", async () => {
    const world = createReleaseWorld();
    const api = aService({ service_name: "api" });

    expect(await loadUserData(world.deps, world.work({ services: { web: aService(), api } }))).toEqual({
      api: "#!/bin/sh\necho api of release-2\n",
      web: "#!/bin/sh\necho web of release-2\n",
    });
  });

  it("takes what the document carries itself", async () => {
    const world = createReleaseWorld();
    const work = world.work({ user_data: "{{SERVICE_NAME}}" });
    world.memory.userData.clear();

    expect(await loadUserData(world.deps, work)).toEqual({ web: "web" });
  });

  it("wants the very bytes that were checked", async () => {
    const world = createReleaseWorld();
    const work = world.work();
    world.memory.userData.set("release-2", `${USER_DATA}\n`);

    await expect(loadUserData(world.deps, work)).rejects.toMatchObject({
      releaseCode: "RELEASE_HALTED",
      message: expect.stringMatching(/its SHA-256 is [0-9a-f]{64}, not 01adc580/),
    });
  });
});
