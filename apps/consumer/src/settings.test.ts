import { describe, expect, it } from "vitest";
import { parseCommonSettings, parseCopySettings, parseTriggerSettings, toConsumerConfig } from "./settings.ts";

const PLACE = { CONSUMER_ACCOUNT_ID: "444455556666", CONSUMER_REGION: "eu-central-1" };
const COPY = {
  ...PLACE,
  ARTIFACTS_BUCKET: "own-bucket",
  DISTRIBUTOR_BUCKET: "dist-bucket",
  DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:111122223333:topic",
};
const TRIGGER = {
  ...PLACE,
  ARTIFACTS_BUCKET: "own-bucket",
  INITIAL_DISTRIBUTION_MACHINE: "arn:aws:states:eu-west-1:111122223333:stateMachine:InitialSet",
  INITIAL_DISTRIBUTION_ROLE: "arn:aws:iam::111122223333:role/TriggerInitSetRole",
};
const BUS = "arn:aws:events:eu-west-1:111122223333:event-bus/stackyard-receipts";

describe("the settings of the copy function", () => {
  it("need the predecessor's variables, the topic and the place only", () => {
    const settings = parseCopySettings({ ...COPY, KMS_KEY_ARN: "", PATH: "/bin" });

    expect(settings).toEqual({
      ...COPY,
      LOG_LEVEL: "info",
      TRANSFER: "auto",
      ACCEPT_V1: true,
      REQUIRE_SIGNATURE: false,
      EXTRA_HOSTS: [],
      PRIVATE_ENDPOINTS: false,
      RETIRE: false,
      TOPIC_FILTER: true,
    });
    expect(toConsumerConfig(settings)).toEqual({
      account: "444455556666",
      region: "eu-central-1",
      topicArn: COPY.DISTRIBUTION_TOPIC,
      partition: "aws",
      sourceBucket: "dist-bucket",
      sourceRegion: "eu-west-1",
      sourceAccount: "111122223333",
      extraHosts: [],
      acceptV1: true,
      requireSignature: false,
      topicFilter: true,
      retire: false,
      refresh: false,
    });
  });

  it("take everything else", () => {
    const queue = "https://sqs.eu-central-1.amazonaws.com/444455556666/parking";
    const texts = {
      DISTRIBUTION_REGION: "eu-west-2",
      RECEIPT_BUS: BUS,
      PARKING_QUEUE_URL: queue,
      QUEUE_URL: queue,
      KMS_KEY_ARN: "arn:aws:kms:eu-central-1:444455556666:key/1",
      TRANSFER: "presigned",
    };
    const settings = parseCopySettings({
      ...COPY,
      ...texts,
      MAX_BYTES: "1000",
      ACCEPT_V1: "false",
      RETIRE: "true",
      REQUIRE_SIGNATURE: "true",
      EXTRA_HOSTS: "a.example,b.example",
      PRIVATE_ENDPOINTS: "true",
    });

    expect(settings).toMatchObject({ ...texts, PRIVATE_ENDPOINTS: true });
    expect(toConsumerConfig(settings)).toMatchObject({
      sourceRegion: "eu-west-2",
      maxBytes: 1_000,
      acceptV1: false,
      requireSignature: true,
      retire: true,
      refresh: true,
      extraHosts: ["a.example", "b.example"],
    });
  });

  it("list everything that is wrong, and no value", () => {
    const wrong = () => parseCopySettings({ ...COPY, DISTRIBUTOR_BUCKET: "", TRANSFER: "hunter2", MAX_BYTES: "-1" });

    expect(wrong).toThrow(
      `The environment of the copy function has 3 errors:
  - DISTRIBUTOR_BUCKET is not set: it must be the name of a bucket.
  - MAX_BYTES must be a number of bytes.
  - TRANSFER must be identity, presigned or auto.`,
    );
    expect(wrong).not.toThrow(/hunter2/);
  });
});

describe("the settings of the trigger", () => {
  it("need the predecessor's variables only", () => {
    expect(parseTriggerSettings(TRIGGER)).toEqual({
      ...TRIGGER,
      LOG_LEVEL: "info",
      TRANSFER: "auto",
      RETIRE: false,
      TOPIC_FILTER: true,
    });
  });

  it("take everything else", () => {
    const more = { INITIAL_DISTRIBUTION_REGION: "eu-west-2", EXTERNAL_ID: "yard", RECEIPT_BUS: BUS };

    expect(parseTriggerSettings({ ...TRIGGER, ...more, RETIRE: "true" })).toMatchObject({ ...more, RETIRE: true });
  });

  it("require the bucket only if it is registered", () => {
    const { ARTIFACTS_BUCKET, ...old } = { ...TRIGGER, INITIAL_DISTRIBUTION_REGION: "eu-west-1" };

    expect(parseTriggerSettings(old)).toMatchObject(old);
    expect(() => parseTriggerSettings({ ...old, RECEIPT_BUS: BUS })).toThrow("ARTIFACTS_BUCKET is not set");
    expect(() => parseTriggerSettings({ ...old, ARTIFACTS_BUCKET: "!NO_VALUE" })).toThrow("ARTIFACTS_BUCKET must be");
  });

  it.each(["INITIAL_DISTRIBUTION_MACHINE", "INITIAL_DISTRIBUTION_ROLE", "CONSUMER_ACCOUNT_ID"])("need %s", (name) => {
    expect(() => parseTriggerSettings({ ...TRIGGER, [name]: "" })).toThrow(`${name} is not set`);
  });
});

describe("the common settings", () => {
  it("contain an account and a region", () => {
    expect(parseCommonSettings(PLACE)).toEqual({ ...PLACE, LOG_LEVEL: "info" });
    expect(() => parseCommonSettings({ ...PLACE, CONSUMER_REGION: "here" })).toThrow(
      "CONSUMER_REGION must be a region such as eu-west-1.",
    );
  });
});
