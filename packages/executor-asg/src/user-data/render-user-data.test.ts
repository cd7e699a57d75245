import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashUserData } from "./hash-user-data.ts";
import { renderUserData } from "./render-user-data.ts";
import { findUserDataFault } from "./user-data-size.ts";

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

  it("takes what is not there for the empty text", () => {
    expect(renderUserData("a{{RELEASE_ID}}b{{RELEASE_DIR}}c", {})).toBe("abc");
    expect(renderUserData(undefined, facts)).toBe("");
  });

  it("knows four tokens in the first generation", () => {
    const text = "{{RELEASE_ID}} {{PROJECT_NAME}} {{CONFIG_NAME}} {{SERVICE_NAME}} {{AWS_REGION}} {{RELEASE_DIR}}";

    expect(renderUserData(text, facts, "step-asg-deployer")).toBe(
      "r1 acme/shop prod web {{AWS_REGION}} {{RELEASE_DIR}}",
    );
  });

  it("leaves a text without tokens as it is", () => {
    const plain = fc.string().filter((text) => !text.includes("{{"));

    fc.assert(fc.property(plain, (text) => renderUserData(text, facts) === text));
  });
});

describe("findUserDataFault", () => {
  it("counts bytes", () => {
    expect(findUserDataFault("x".repeat(16_384))).toBeUndefined();
    expect(findUserDataFault("é".repeat(8192))).toBeUndefined();
    expect(findUserDataFault("é".repeat(8193))).toBe(
      "The user data has 16386 bytes with its values put in, and EC2 takes 16384. Load the rest from a bucket.",
    );
  });
});

describe("hashUserData", () => {
  it("is that of the bytes", () => {
    expect(hashUserData("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hashUserData("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
