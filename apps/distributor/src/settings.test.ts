import { describe, expect, it } from "vitest";
import { parseSettings, toDistributorConfig } from "./settings.ts";

const LEAST = {
  ARTIFACTS_BUCKET: "source",
  RECORDS_TABLE: "stackyard-distributor",
  DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:999988887777:artifacts",
};

const toConfig = (environment: Readonly<Record<string, string>>) =>
  toDistributorConfig(parseSettings(environment), environment);

describe("the settings", () => {
  it("needs bucket, topic and table, and is where the topic is", () => {
    expect(toConfig({ ...LEAST, KEEP_DAYS: "", PATH: "/bin" })).toEqual({
      account: "999988887777",
      region: "eu-west-1",
      bucket: "source",
      prefix: "",
      trustedAccounts: [],
      topicArn: LEAST.DISTRIBUTION_TOPIC,
      urlSeconds: 3_600,
      overdueSeconds: 900,
      transfer: "auto",
    });
  });

  it("takes everything else", () => {
    const machineArn = "arn:aws:states:eu-west-1:999988887777:stateMachine:initial-set";
    const role = "arn:aws:iam::999988887777:role/signer";
    const environment = {
      ...LEAST,
      ARTIFACT_PREFIX: "artifacts/",
      UPLOAD_PREFIX: "uploads/",
      SIGNER_ROLE: role,
      TRUSTED_ACCOUNTS: "111122223333, 444455556666,111122223333",
      ORGANIZATION_ID: "o-a1b2c3d4e5",
      INITIAL_SET_MACHINE: machineArn,
      URL_SECONDS: "600",
      OVERDUE_SECONDS: "60",
      KEEP_DAYS: "30",
      TRANSFER: "presigned",
      RECEIPT_BUS: "arn:aws:events:eu-west-1:999988887777:event-bus/stackyard-receipts",
    };

    expect(parseSettings(environment).SIGNER_ROLE).toBe(role);
    expect(toConfig(environment)).toMatchObject({
      prefix: "artifacts/",
      uploadPrefix: "uploads/",
      organizationId: "o-a1b2c3d4e5",
      machineArn,
      trustedAccounts: ["111122223333", "444455556666"],
      urlSeconds: 600,
      overdueSeconds: 60,
      keepDays: 30,
      transfer: "presigned",
    });
  });

  it("takes a slash for the root as the place of uploads", () => {
    expect(toConfig({ ...LEAST, UPLOAD_PREFIX: "/" }).uploadPrefix).toBe("");
  });

  it("names buckets in the path where an emulator is named", () => {
    const config = (environment: object) => toConfig({ ...LEAST, ...environment });

    expect(config({ AWS_ENDPOINT_URL: "http://localhost:4566" })).toMatchObject({ pathStyleUrls: true });
    expect(config({ AWS_ENDPOINT_URL_S3: "https://s3.example" })).not.toHaveProperty("pathStyleUrls");
  });

  it.each([
    ["URL_SECONDS", ["599", "604801", "1e3", "-1"], ["600", "9999", "604800"]],
    ["OVERDUE_SECONDS", ["59", "86401", "0x40"], ["60", "100", "86400"]],
    ["KEEP_DAYS", ["0", "3651", "1.5"], ["1", "3650"]],
    ["TRUSTED_ACCOUNTS", ["*", "1", "111122223333,", "111122223333;444455556666"], ["111122223333"]],
    ["ARTIFACT_PREFIX", ["a", "/a/", "a//"], ["a/", "a/b/"]],
  ] as const)("holds %s to its limits", (name, wrong, right) => {
    for (const value of wrong) expect(() => parseSettings({ ...LEAST, [name]: value })).toThrow(`${name} must be`);
    for (const value of right) expect(() => parseSettings({ ...LEAST, [name]: value })).not.toThrow();
  });

  it("lists everything that is wrong, and no value", () => {
    const wrong = () => parseSettings({ ARTIFACTS_BUCKET: "Hunter2", TRANSFER: "hunter2" });

    expect(wrong).toThrow(
      `The environment of the distributor has 4 errors:
  - ARTIFACTS_BUCKET must be the name of a bucket.
  - DISTRIBUTION_TOPIC is not set: it must be the ARN of a topic.
  - RECORDS_TABLE is not set: it must be the name of a table: 3 to 255 letters, digits, "_", "-" and ".".
  - TRANSFER must be presigned, identity or auto.`,
    );
    expect(wrong).not.toThrow(/hunter2/i);
  });
});
